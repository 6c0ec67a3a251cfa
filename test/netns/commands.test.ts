// The commands for people against the daemon at its work, with ubusd and without, as root and as somebody else.
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { controlName, padded } from '../../src/daemon/control-name.js';
import { TestBus } from '../support/bus.js';
import { needs } from '../support/needs.js';
import { connected, inside, type Lab, nextConnection, until, withLab } from './lab/index.js';
import { daemonProgram } from './lab/program.js';

/** Runs a command that has to be done, and gives what it wrote. */
async function done(lab: Lab, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await lab.command(args);
  assert.deepEqual([code, stderr], [0, ''], args.join(' '));
  return stdout;
}

/** Somebody who has the name of the control socket, and answers with lies: it could not serve an interface. */
async function impostor(lab: Lab): Promise<void> {
  const lie = JSON.stringify({ result: { state: 'established', peer: 'nobody' } });
  const script = `require('node:net').createServer((socket) => socket.end(${JSON.stringify(`${lie}\n`)}))
    .listen(${JSON.stringify(padded(controlName('vpn')))}, () => console.log('taken'))`;
  const under = ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-all'];
  const child = lab.router.run([...under, process.execPath, '-e', script]);
  let told = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    told += text;
  });
  await until(() => told !== '', { what: 'the impostor to listen' });
}

test('every command asks the daemon, at its control socket and on ubus; an impostor is not believed', (t) =>
  withLab({ gateways: 2 }, async (lab) => {
    await impostor(lab);
    const bus = TestBus.prepare(t);
    const daemon = await lab.startDaemon({ args: ['-i', 'vpn', '--ubus-socket', bus.path] });
    const first = await nextConnection(daemon);
    const other = first === 'gw1' ? 'gw2' : 'gw1';
    const socket = ['--ubus-socket', bus.path];

    // On ubus; soon, for the longer there was none, the more seldom the daemon looks for it.
    await bus.startDaemon();
    const client = await bus.connect();
    await client.waitFor('wgpeerselector.vpn', { timeout: 330_000 });
    assert.match(await done(lab, 'status', ...socket), new RegExp(`^ {2}peer: ${first}$`, 'm'));
    assert.equal(await done(lab, 'select', other, ...socket), `vpn: ${other} is asked for\n`);
    await daemon.line(new RegExp(`vpn ${first}: connection ended after .*: asked to go to ${other}`));
    assert.equal(await nextConnection(daemon), other);
    assert.match(
      await done(lab, 'metrics', '--prometheus', ...socket),
      /^wgpeerselector_losses_total\{interface="vpn",code="told-to"\} [1-9]/m,
    );
    await bus.stopDaemon();

    // The same without ubus, of all interfaces, which is this one.
    const status = await done(lab, 'status', ...socket);
    assert.match(status, new RegExp(`^interface: vpn\n {2}state: connected for .*\n {2}peer: ${other}\n`));
    assert.equal(await done(lab, 'peers', '--names', ...socket), 'gw1\ngw2\n');

    const held = new RegExp(`^wgpeerselector_peer_info\\{interface="vpn",peer="${other}"\\} 1$`, 'm');
    assert.match(await done(lab, 'metrics', ...socket), held);

    const events: string[] = [];
    const following = lab.router.run([...daemonProgram, 'events', '--json', ...socket]);
    createInterface({ input: following.stdout }).on('line', (line) => events.push(line));
    let errors = '';
    following.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    // It may not be there yet: another change comes then.
    await until(
      async () => {
        await done(lab, 'next', '-i', 'vpn', ...socket);
        await daemon.line(connected);
        return events.length > 0;
      },
      { what: 'an event' },
    );
    assert.equal(JSON.parse(events[0] ?? '').interface, 'vpn');

    assert.equal(await done(lab, 'select', other, ...socket), `vpn: ${other} is asked for\n`);
    await until(
      async () =>
        JSON.parse(await done(lab, 'peers', '--json', ...socket)).vpn.peers[other].enabled === true &&
        JSON.parse((await lab.command(['status', '--json', ...socket])).stdout).vpn.peer === other,
      { what: `${other} to be connected` },
    );
    await done(lab, 'reload', ...socket);
    await daemon.line(/configuration read again/);

    daemon.signal('SIGTERM');
    assert.equal((await daemon.exit()).code, 0);
    await until(() => errors !== '', { what: 'the end to be told' });
    assert.equal(errors, 'error: the daemon has ended\n');
    const nobody = await lab.command(['status', '-i', 'vpn', ...socket]);
    assert.deepEqual(
      [nobody.code, nobody.stdout, nobody.stderr],
      [69, '', 'error: interface vpn is served by no daemon (no other is)\n'],
    );
  }));

test(
  'who is not root is told so, but for the user of the daemon',
  needs('users and groups to change to'),
  () =>
    withLab({ gateways: 1 }, async (lab) => {
      await lab.router.exec(['chmod', '-R', 'a+rX', lab.folder]);
      const user = (id: number): string[] => ['setpriv', `--reuid=${id}`, `--regid=${id}`, '--clear-groups'];
      const able = [
        '--inh-caps=-all,+net_admin',
        '--ambient-caps=+net_admin',
        '--bounding-set=-all,+net_admin',
      ];
      const daemon = await lab.startDaemon({ under: [...user(65534), ...able], withinReach: true });
      await daemon.line(connected);
      const status = ['status', '-i', 'vpn', '--ubus-socket', '/nonexistent'];
      const stranger = await lab.command(status, { under: user(65533), withinReach: true });
      const refusal =
        'error: the daemon answers root and user 65534, as whom it runs, and this is user 65533\n';
      assert.deepEqual([stranger.code, stranger.stdout, stranger.stderr], [77, '', refusal]);
      for (const under of [user(65534), []]) {
        const { code, stdout, stderr } = await lab.command(status, { under, withinReach: true });
        assert.deepEqual([code, stderr], [0, '']);
        assert.match(stdout, /^ {2}peer: gw1$/m);
      }
    }),
);

test("a provider's files, imported: the commands that the output has make the interface, and the daemon connects it", () =>
  withLab({ gateways: 2 }, async (lab) => {
    const [own] = lab.router.interfaces;
    assert.ok(own);
    await lab.router.deleteInterface();
    const paths = await Promise.all(
      lab.gateways.map(async ({ name, publicKey, endpoint }) => {
        const { v4, v6 } = own.address;
        const lines = [
          '[Interface]',
          `PrivateKey = ${own.keys.privateKey}`,
          `Address = ${v4}/32, ${v6}/128`,
          'DNS = 192.0.2.53',
          'MTU = 1380',
          '[Peer]',
          `PublicKey = ${publicKey}`,
          `AllowedIPs = ${inside.v4}, ${inside.v6}`,
          `Endpoint = ${endpoint}`,
        ];
        await writeFile(`${lab.folder}/${name}.conf`, lines.join('\n'));
        return `${lab.folder}/${name}.conf`;
      }),
    );
    const { code, stdout: config, stderr } = await lab.command(['import', ...paths]);
    assert.equal(code, 0, stderr);
    assert.ok(!config.includes(own.keys.privateKey));
    const [, commands = ''] = config.split('# On any other Linux, as root, after each boot:\n');
    const lines = commands.split('\n').filter((line) => line.startsWith('#   '));
    await lab.router.exec(['sh', '-ec', lines.map((line) => line.slice(1)).join('\n')]);
    const daemon = await lab.startDaemon({ config });
    await daemon.line(connected);
    assert.match(await lab.router.exec(['ip', 'link', 'show', 'vpn']), / mtu 1380 /);
  }));
