/** NTP servers of the lab: those of test/support, each on a host of its own. */
import { fileURLToPath } from 'node:url';
import type { Host } from './host.js';
import type { Lab } from './lab.js';
import { until } from './until.js';

const program = fileURLToPath(new URL('../../support/ntp-server.js', import.meta.url));

/** The file /etc/config/system with these NTP servers. */
export function ntpServers(...servers: readonly string[]): Record<string, string> {
  const lines = servers.map((server) => `\tlist server '${server}'\n`);
  return { system: `config timeserver 'ntp'\n${lines.join('')}` };
}

/**
 * Starts a server on a host of its own; it answers when this returns.
 *
 * @param number of the host, 3 to 10
 * @param args more of the program's arguments: `--behaviour`, `lie`
 */
export async function ntpServer(
  lab: Lab,
  name: string,
  number: number,
  ...args: readonly string[]
): Promise<Host> {
  const host = await lab.addHost(name, number);
  const bind = ['--bind', host.address.v4, '--bind', host.address.v6];
  const child = host.run([process.execPath, program, ...bind, ...args]);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  await until(
    () => {
      if (child.exitCode !== null) throw new Error(`${name} ended: ${said}`);
      return said.includes('ready');
    },
    { what: `${name} to listen` },
  );
  return host;
}
