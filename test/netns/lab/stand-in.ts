/** A program that stands in for the daemon where the lab itself is tested. */
import { lookup } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';

const args = process.argv.slice(2);
const file = `${args[args.indexOf('--config-dir') + 1]}/wgpeerselector`;
const say = (text: string) => process.stderr.write(`${text}\n`);
const tellConfiguration = () => say(`configuration ${readFileSync(file, 'utf8').replaceAll(/\s+/g, ' ')}`);

say(`arguments of process ${process.pid}: ${args.join(' ')}`);
say(`interfaces ${Object.keys(networkInterfaces()).join(' ')}`);
process.on('SIGHUP', tellConfiguration);
process.on('SIGTERM', () => {
  process.stdout.write('bye\n');
  process.exit(3);
});
setInterval(() => {}, 1_000_000);
const found = await lookup('gw1.test').then(
  ({ address }) => address,
  (error) => error.code,
);
say(`resolved ${found}`);
tellConfiguration();
