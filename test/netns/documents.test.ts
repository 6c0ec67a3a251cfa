// What the documents show is pasted into a fresh folder and does what they say: first steps to the letter, with living gateways;
// the snippets of the libraries, from the package as it would be published, against the kernel, an ubusd and NTP servers of the lab.
// Only the gateways' keys are put in.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after, before, test } from 'node:test';
import { Ubus } from '../../src/ubus/index.js';
import { type Block, block, root, saidToPrint } from '../support/documents.js';
import { needsRouter } from '../support/needs.js';
import { blocksFor } from '../support/pasted.js';
import { Project } from '../support/project.js';
import { FakeUbusd } from '../support/ubusd.js';
import { exec, start } from './lab/exec.js';
import { Daemon, type Lab, patience, until, withLab } from './lab/index.js';

const ntpServer = `${root}dist/test/support/ntp-server.js`;
const ran = new Set<string>();

/** A block of this file's; its name is noted. */
function take(name: string): Block {
  ran.add(name);
  return block(name);
}

/** Projects that have the package as npm installs it, and as it is where there was no compiler. */
let project: Project;
let bare: Project;

before(async () => {
  project = await Project.create();
  bare = await project.withoutCompiler();
});

after(() => Promise.all([project, bare].map((one) => one.remove())));

/** The lab's router as a machine on which nobody has worked yet: an /etc of its own, and a clone that was built. */
class FreshMachine {
  readonly #lab: Lab;
  readonly #folder: string;
  /** The folder of the clone. */
  readonly clone: string;

  private constructor(lab: Lab, folder: string) {
    this.#lab = lab;
    this.#folder = folder;
    this.clone = `${folder}/clone`;
  }

  static async create(lab: Lab): Promise<FreshMachine> {
    const folder = `${lab.folder}/fresh`;
    await mkdir(`${folder}/etc`, { recursive: true });
    for (const name of ['hosts', 'passwd', 'group', 'nsswitch.conf']) {
      await cp(`/etc/${name}`, `${folder}/etc/${name}`, { dereference: true });
    }
    await writeFile(`${folder}/etc/resolv.conf`, lab.dns.resolvConf);
    await mkdir(`${folder}/clone/dist`, { recursive: true });
    const program = `${root}dist/router`;
    if (existsSync(program)) await cp(program, `${folder}/clone/dist/router`, { recursive: true });
    return new FreshMachine(lab, folder);
  }

  /** Pastes text into a shell in the clone; gives what it printed. A command that fails is an error. */
  async paste(text: string): Promise<string> {
    return await this.#lab.router.exec(this.#in(this.clone, 'exec sh -e'), text);
  }

  /** Starts the one command of a block in the clone, as a process of its own. */
  start({ text }: Block): Daemon {
    assert.equal(text.indexOf('\n'), text.length - 1);
    return this.#start(this.clone, text);
  }

  /** Starts a snippet of JavaScript in a project. */
  async snippet({ text }: Block, { folder }: Project): Promise<Daemon> {
    await writeFile(`${folder}/snippet.mjs`, text);
    return this.#start(folder, `${process.execPath} snippet.mjs`);
  }

  #start(folder: string, command: string): Daemon {
    const child = this.#lab.router.run(this.#in(folder, `exec ${command}`));
    return new Daemon(child, `${this.#folder}/etc/config`);
  }

  /** A shell that enters the machine; `ip netns exec` has made a mount namespace already. */
  #in(folder: string, command: string): string[] {
    const enter = `mount --bind "$0/etc" /etc && cd "$1" && ${command}`;
    return ['sh', '-c', enter, this.#folder, folder];
  }
}

/** Numbers as they come, so that what is printed can be compared with what was printed once. */
const anyNumbers = (text: string): string => text.replaceAll(/[+-]?\d+\.\d+/g, 'N');

/** Starts the daemon as a document says, waits for a peer, uses the tunnel, and ends it by Control-C; gives what it has logged. */
async function tryOut(lab: Lab, machine: FreshMachine, command: Block): Promise<string[]> {
  const daemon = machine.start(command);
  const { text } = await daemon.line(/^info vpn \w+: connected to /);
  const gateway = lab.gateways.find((one) => text.includes(` ${one.endpoint}`));
  assert.ok(gateway, text);
  assert.ok(await lab.router.ping(gateway.inside.v4));
  daemon.signal('SIGINT');
  assert.equal((await daemon.exit()).code, 0);
  return daemon.log.map((line) => line.text);
}

/** What people do who run gateways: lets a client in. */
async function admit(lab: Lab, publicKey: string, address: string): Promise<void> {
  for (const gateway of lab.gateways) {
    await gateway.wgSet('wg0', ['peer', publicKey, 'allowed-ips', address]);
    await gateway.ip(`route add ${address} dev wg0`);
  }
}

test(
  'by hand, to the letter: check finds nothing, the daemon connects, Control-C leaves nothing behind',
  needsRouter(),
  () =>
    withLab({ gateways: 2, interfaces: [] }, async (lab) => {
      const machine = await FreshMachine.create(lab);
      const publicKey = (await machine.paste(take('docs/linux.md, By hand, 1').text)).trim();
      await machine.paste(take('docs/linux.md, By hand, 2').text);
      assert.equal((await lab.router.wg()).publicKey, publicKey);
      await admit(lab, publicKey, '10.0.0.2/32');

      // The addresses of README are nobody's in the lab.
      let configuration = take('README.md, A router in five minutes, 1').text;
      const written = [...configuration.matchAll(/public_key '(.*)'[\s\S]*?endpoint '(.*):51820'/g)];
      assert.equal(written.length, lab.gateways.length);
      for (const [at, gateway] of lab.gateways.entries()) {
        const [, key = '', name = ''] = written[at] ?? [];
        configuration = configuration.replace(key, gateway.publicKey);
        await lab.dns.set(name, [gateway.address.v4]);
      }
      await machine.paste(`mkdir /etc/config\n${configuration}`);
      assert.equal(await machine.paste(take('docs/linux.md, By hand, 3').text), 'no errors, no warnings\n');
      await tryOut(lab, machine, take('docs/linux.md, By hand, 4'));
      assert.deepEqual((await lab.router.wg()).peers, []);
    }),
);

test(
  'three files of a provider, to the letter: import, the key, check, and everything goes through the tunnel',
  needsRouter(),
  () =>
    withLab({ gateways: 3, interfaces: [] }, async (lab) => {
      const machine = await FreshMachine.create(lab);
      const section = 'README.md, A Linux box with three provider files in five minutes';
      // The form of a provider's, for our gateways.
      const form = await readFile(`${root}test/fixtures/wg-quick/mullvad-se-got-wg-001.conf`, 'utf8');
      for (const [at, { publicKey, endpoint }] of lab.gateways.entries()) {
        const text = form
          .replace(/^PublicKey.*/m, `PublicKey = ${publicKey}`)
          .replace(/^Endpoint.*/m, `Endpoint = ${endpoint}`);
        await writeFile(`${machine.clone}/se-got-wg-00${at + 1}.conf`, text);
      }
      await machine.paste(take(`${section}, 1`).text);
      await machine.paste(take(`${section}, 2`).text);
      const publicKey = (await machine.paste('wg pubkey </etc/wgpeerselector/vpn.key')).trim();
      const [, address = ''] = /^Address = ([^,]+)/m.exec(form) ?? [];
      await admit(lab, publicKey, address);

      const [check = '', start = ''] = take(`${section}, 3`).text.trimEnd().split('\n');
      const found = (await machine.paste(check)).trimEnd().split('\n');
      assert.match(found[0] ?? '', /^warning \/etc\/config\/system: does not exist/);
      assert.deepEqual(found.slice(1), ['no errors, 1 warning']);
      await tryOut(lab, machine, { name: section, language: 'sh', text: `${start}\n` });
      await assert.rejects(lab.router.wg(), /No such device/); // the daemon has made it
    }),
);

test('the snippets for netlink: each runs twice, the second time without a compiler, and prints what it says', () =>
  withLab({ gateways: 0 }, async (lab) => {
    const machine = await FreshMachine.create(lab);
    for (const name of [
      'README.md, Netlink for Node: wgpeerselector/netlink, 1',
      'docs/netlink.md, Netlink for Node: wgpeerselector/netlink, 1',
    ]) {
      const snippet = take(name);
      const [fields = ''] = saidToPrint(snippet);
      for (const [time, one] of [project, bare].entries()) {
        const program = await machine.snippet(snippet, one);
        if (snippet.text.includes('monitor')) {
          await until(() => program.stdout.includes('ENETUNREACH') || !program.running, {
            what: 'the lookup',
          });
          // The monitor keeps it alive, and tells what happens.
          const heard = async () => {
            await lab.router.ip(`link set vpn mtu ${1300 + time}`, 'link set vpn mtu 1420');
            return / vpn true\n/.test(program.stdout) || !program.running;
          };
          await until(heard, { what: 'the monitor to tell of vpn' });
          assert.match(program.stdout, /ENETUNREACH .*[\s\S]* vpn true\n/, program.describe());
          program.signal('SIGTERM');
          await program.exit();
        } else {
          assert.equal((await program.exit()).code, 0, program.describe());
        }
        for (const field of fields.match(/\w+(?=,| …)/g) ?? [])
          assert.ok(program.stdout.includes(field), field);
      }
      const [peer] = (await lab.router.wg()).peers;
      assert.equal(peer?.endpoint, '192.0.2.1:51820');
      const routes = await lab.router.routes({ dev: 'vpn' });
      assert.ok(routes.some(({ dst }) => dst === '10.78.0.0/24'));
      await lab.router.wgSet('vpn', ['peer', peer.publicKey, 'remove']);
      await lab.router.ip('route delete 10.78.0.0/24 dev vpn');
    }
  }));

test('the snippets for NTP: three servers, and what they say that they print; no clock is set', () =>
  withLab({ gateways: 0, interfaces: [] }, async (lab) => {
    const machine = await FreshMachine.create(lab);
    const addresses = ['198.51.100.201', '198.51.100.202', '198.51.100.203'];
    const host = await lab.addHost('ntp', 3);
    for (const address of addresses) await host.addAddress(address);
    for (const port of ['123', '1123']) {
      const bind = addresses.flatMap((address) => ['--bind', address]);
      const server = host.run([process.execPath, ntpServer, ...bind, '--port', port]);
      let said = '';
      server.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
      await until(() => said.includes('ready'), { what: 'the NTP server to listen' });
    }
    const names = ['0.pool.ntp.org', '1.pool.ntp.org', '2.pool.ntp.org'];
    for (const [at, name] of names.entries()) await lab.dns.set(name, [addresses[at] ?? '']);
    await lab.dns.set('ntp.example', [addresses[2] ?? '']);
    for (const name of [
      'README.md, NTP from Node: wgpeerselector/sntp, 1',
      'docs/sntp.md, NTP from Node: wgpeerselector/sntp, 1',
      'docs/sntp.md, NTP from Node: wgpeerselector/sntp, 2',
    ]) {
      const snippet = take(name);
      assert.equal(snippet.text.includes('stepClock('), name.endsWith('sntp, 2'), 'who sets a clock');
      const said = saidToPrint(snippet);
      assert.equal(said.length, 1);
      for (const one of [project, bare]) {
        const program = await machine.snippet(snippet, one);
        assert.equal((await program.exit()).code, 0, program.describe());
        assert.equal(anyNumbers(program.stdout.trimEnd()), anyNumbers(said.join('\n')), program.describe());
      }
    }
  }));

test('the snippets for ubus: against a bus at its usual place', async () => {
  await mkdir('/var/run/ubus', { recursive: true });
  const ubusd = new FakeUbusd('/var/run/ubus/ubus.sock');
  await ubusd.start();
  const bus = await Ubus.connect();
  try {
    await bus.publish('system', { board: { call: () => ({ hostname: 'router' }) } });
    await bus.publish('network.interface', { dump: { call: () => ({}) } });
    const run = async (name: string, { folder }: Project) => {
      await writeFile(`${folder}/snippet.mjs`, take(name).text);
      return new Daemon(start([process.execPath, `${folder}/snippet.mjs`]), folder);
    };
    for (const one of [project, bare]) {
      const first = await run('README.md, ubus from Node: wgpeerselector/ubus, 1', one);
      await bus.waitFor('greeter', { timeout: patience });
      assert.deepEqual(await bus.call('greeter', 'hello', { name: 'you' }), { text: 'Hello you' });
      const heard = async () => {
        await bus.send('network.interface', { action: 'ifup' });
        return first.stdout.includes("network.interface { action: 'ifup' }") || !first.running;
      };
      await until(heard, { what: 'the event to be printed', every: 100 });
      assert.match(first.stdout, /^router\nnetwork.interface /, first.describe());
      first.signal('SIGTERM');
      await first.exit();
      await until(async () => (await bus.lookup('greeter')).length === 0, { what: 'the bus to forget it' });

      const second = await run('docs/ubus.md, ubus from Node: wgpeerselector/ubus, 1', one);
      assert.equal((await second.exit()).code, 0, second.describe());
      assert.equal(second.stdout, "router\n[ [ 'network.interface', { dump: {} } ] ]\n", second.describe());
    }
  } finally {
    bus.close();
    await ubusd.stop();
  }
});

test('the commands for OpenWrt: a stand-in for uci is told to make what the daemon and netifd expect', async () => {
  const folder = await mkdtemp(`${tmpdir()}/wgps-uci-`);
  try {
    // Strict where uci is, and not more than these documents need.
    const uci = `#!/bin/sh
case "$1 $2" in
"set "*.*=* | "add_list "*.*.*=* | "commit "[a-z]*) printf '%s\\n' "$*" ;;
*) exit 1 ;;
esac
`;
    for (const [name, text] of [
      ['uci', uci],
      ['reload_config', '#!/bin/sh\necho reload_config\n'],
    ] as const) {
      await writeFile(`${folder}/${name}`, text, { mode: 0o755 });
    }
    const paste = async (name: string, text = take(name).text) => {
      const said = await exec(['sh', '-c', 'PATH="$0:$PATH" exec sh -e', folder], text);
      return said
        .trimEnd()
        .split('\n')
        .map((line) => line.replace(/=[\w+/]{43}=$/, '=KEY'));
    };
    assert.deepEqual(await paste('README.md, A router in five minutes, 2'), [
      'set network.vpn=interface',
      'set network.vpn.proto=wireguard',
      'set network.vpn.private_key=KEY',
      'add_list network.vpn.addresses=10.0.0.2/32',
      'set network.vpn_peerselector=interface',
      'set network.vpn_peerselector.proto=wgpeerselector',
      'set network.vpn_peerselector.ifname=vpn',
      'commit network',
      'reload_config',
    ]);
    // Its last line asks the kernel, which "By hand" does.
    const key = 'docs/openwrt.md, Configuration with netifd, 3';
    assert.deepEqual(await paste(key, take(key).text.replace('wg show vpn public-key\n', '')), [
      'set network.vpn.private_key=KEY',
      'commit network',
      'reload_config',
    ]);
    assert.deepEqual(await paste('docs/openwrt.md, Changes, 1'), [
      'set wgpeerselector.gateway1.enabled=0',
      'commit wgpeerselector',
      'reload_config',
    ]);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('every block that this file is to run was run', () => {
  const program = needsRouter().skip === false; // what starts it is listed as not run without
  const wanted = blocksFor('netns').filter(
    (name) => program || !/, (By hand|A Linux box .*|A router in five minutes), \d$/.test(name),
  );
  assert.deepEqual([...ran].sort(), wanted.sort());
});
