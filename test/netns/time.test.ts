// The clock: set by NTP before the first handshake, and jumping while the daemon works.
import assert from 'node:assert/strict';
import { copyFile, mkdir, symlink, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { kernelBelievesClock, vouchForClock } from '../../src/sntp/index.js';
import { needs, nodeOnly } from '../support/needs.js';
import { type Truth, truthNow } from '../support/ntp-server.js';
import { exec } from './lab/exec.js';
import { connected, type Host, until, withLab } from './lab/index.js';
import { ntpServer, ntpServers } from './lab/ntp.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The options of a test that sets the machine's clock. */
const setsClock = needs('a clock of its own');

/** The option that tells a server the time, whatever the machine's clock shows. */
function telling({ unixMs, monotonicNs }: Truth): string[] {
  return ['--at', `${new Date(unixMs).toISOString()}@${monotonicNs}`];
}

/** What the clock would show now, in ms since 1970, had nobody set it. */
function now({ unixMs, monotonicNs }: Truth): number {
  return unixMs + Number(process.hrtime.bigint() - monotonicNs) / 1e6;
}

/** @param unixMs milliseconds since 1970 */
async function setClock(unixMs: number): Promise<void> {
  await exec(['date', '--utc', '--set', `@${(unixMs / 1000).toFixed(3)}`]);
}

/** Runs the work and then sets the clock to what it would be without it. */
async function withOwnClock(work: (truth: Truth) => Promise<void>): Promise<void> {
  const truth = truthNow();
  try {
    await work(truth);
  } finally {
    await setClock(now(truth));
  }
}

test(
  'a router that boots in 1970: refused by a gateway that has seen it in the present, connected after NTP',
  setsClock,
  () =>
    withOwnClock((truth) =>
      withLab({ gateways: 1 }, async (lab) => {
        const config = (ntp: number) =>
          // Long enough that nothing but the clock decides the order of what happens.
          lab.config({ interface: { ntp, connect_timeout: ntp === 0 ? 2 : 600, ntp_timeout: 3600 } });
        // The gateway sees the router in the present. It has nothing to say, or it would come by itself when nobody listens.
        const [gw1] = lab.gateways;
        await gw1?.hush();
        const first = await lab.startDaemon({ config: config(0) });
        await first.line(connected);
        first.signal('SIGTERM');
        await first.exit();

        const ntp = await ntpServer(lab, 'ntp', 3, ...telling(truth));
        await setClock(Date.UTC(1970, 0, 2));
        const without = await lab.startDaemon({ config: config(0) });
        await without.line(/info vpn gw1: .*no handshake within 2 s/);
        assert.deepEqual(without.lines(connected), []);
        without.signal('SIGTERM');
        await without.exit();

        const daemon = await lab.startDaemon({ config: config(1), files: ntpServers(ntp.address.v4) });
        await daemon.line(/info: clock stepped forward/);
        await daemon.line(connected);
        assert.equal(daemon.lines(/no handshake/).length, 0, 'nothing was tried before the clock was right');
        assert.ok(Math.abs(Date.now() - now(truth)) < 2_000, `${new Date().toISOString()}`);
      }),
    ),
);

test('three servers in 1970, one of them lies, names and IPv6: the majority decides', setsClock, () =>
  withOwnClock((truth) =>
    withLab({ gateways: 1 }, async (lab) => {
      const at = telling(truth);
      const honest = await ntpServer(lab, 'ntp1', 3, ...at);
      const other = await ntpServer(lab, 'ntp2', 4, ...at);
      const liar = await ntpServer(lab, 'ntp3', 5, ...at, '--shift=86400');
      await lab.dns.set('time.test', [honest.address.v4]);
      await setClock(Date.UTC(1970, 0, 2));
      const daemon = await lab.startDaemon({
        config: lab.config({ interface: { ntp_timeout: 3600 } }),
        files: ntpServers(liar.address.v4, 'time.test', other.address.v6),
      });
      await daemon.line(/info: NTP: .*2 of 3 servers agree/);
      await daemon.line(connected);
      assert.ok(Math.abs(Date.now() - now(truth)) < 2_000, `${new Date().toISOString()}`);
    }),
  ),
);

test(
  'servers that answer badly do not set the clock, and hold up the first connection no longer than ntp_timeout',
  setsClock,
  () =>
    withOwnClock((truth) =>
      withLab({ gateways: 1 }, async (lab) => {
        const bad = ['silent', 'kiss-deny', 'unsynchronised', 'wrong-origin', 'other-port', 'late'] as const;
        const hosts: Host[] = [];
        for (const [index, behaviour] of bad.entries()) {
          const late = behaviour === 'late' ? ['--delay', '60000'] : [];
          hosts.push(
            await ntpServer(
              lab,
              `ntp${index}`,
              3 + index,
              '--behaviour',
              behaviour,
              ...telling(truth),
              ...late,
            ),
          );
        }
        await setClock(Date.UTC(1970, 0, 2));
        const daemon = await lab.startDaemon({
          config: lab.config({ interface: { ntp_timeout: 3 } }),
          files: ntpServers(...hosts.map(({ address }) => address.v4)),
        });
        await daemon.line(/warning: NTP: .*next try in /);
        await daemon.line(connected, { from: 'start' });
        assert.equal(new Date().getUTCFullYear(), 1970);
      }),
    ),
);

test('a clock that may be right holds the first connection up for 2 s and not ntp_timeout, and chrony is asked all the same', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const ntp = await lab.addHost('chrony', 3);
    const folder = `${lab.folder}/chrony`;
    await mkdir(folder);
    await writeFile(
      `${folder}/conf`,
      `local stratum 8\nallow all\ncmdport 0\nbindcmdaddress /\npidfile ${folder}/pid\ndriftfile ${folder}/drift\n`,
    );
    ntp.run(['chronyd', '-x', '-d', '-u', 'root', '-f', `${folder}/conf`]).stderr.resume();
    const silent = await ntpServer(lab, 'silent', 4, '--behaviour', 'silent');
    // With one server silent nothing is decided before the other has answered, and the timeout is an hour.
    const daemon = await lab.startDaemon({
      args: ['-i', 'vpn', '-v'],
      config: lab.config({ interface: { ntp_timeout: 3600 } }),
      files: ntpServers(silent.address.v4),
    });
    await daemon.line(connected);
    daemon.signal('SIGTERM');
    await daemon.exit();
    const second = await lab.startDaemon({ files: ntpServers(ntp.address.v4, ntp.address.v6) });
    await second.line(connected, { from: 'start' });
    await second.line(/info: NTP: clock off by .*servers? agree/, { from: 'start' });
    assert.deepEqual(second.lines(/stepped/), []);
  }));

test(
  'a clock restored at boot is eight hours behind: nothing is tried before NTP has set it, and the kernel is told',
  setsClock,
  () =>
    withOwnClock((truth) =>
      withLab({ gateways: 1 }, async (lab) => {
        // Later than the program's build, which was made a moment ago: that is why the present is in the future here.
        const hours = 3_600_000;
        const present: Truth = { ...truth, unixMs: truth.unixMs + 16 * hours };
        const config = (ntp: number) =>
          lab.config({ interface: { ntp, connect_timeout: 2, ntp_timeout: 30 } });
        await setClock(now(present));
        const first = await lab.startDaemon({ config: config(0) });
        await first.line(connected);
        first.signal('SIGTERM');
        await first.exit();

        const ntp = await ntpServer(lab, 'ntp', 3, ...telling(present));
        await setClock(now(present) - 8 * hours);
        assert.equal(kernelBelievesClock(), false, 'nobody vouches for it');
        const daemon = await lab.startDaemon({ config: config(1), files: ntpServers(ntp.address.v4) });
        await daemon.line(/info: clock stepped forward by \+2\d{4}\.\d s/);
        await daemon.line(connected);
        assert.equal(daemon.lines(/no handshake/).length, 0, 'nothing was tried before the clock was right');
        assert.equal(kernelBelievesClock(), true, 'the next start need not wait');
      }),
    ),
);

test(
  'the kernel believes its clock while an NTP client vouches for it, and no longer when somebody sets it',
  setsClock,
  () =>
    withOwnClock((truth) =>
      withLab({ gateways: 1 }, async (lab) => {
        await setClock(now(truth));
        assert.equal(kernelBelievesClock(), false);
        assert.equal(vouchForClock(0.25), true);
        assert.equal(kernelBelievesClock(), true);
        await setClock(now(truth));
        assert.equal(kernelBelievesClock(), false);

        // chrony without `rtcsync` leaves STA_UNSYNC set for good.
        const ntp = await ntpServer(lab, 'ntp', 3, ...telling(truth));
        const folder = `${lab.folder}/chrony`;
        await mkdir(folder);
        await writeFile(
          `${folder}/conf`,
          `server ${ntp.address.v4} iburst\nmakestep 0.1 3\ncmdport 0\nbindcmdaddress /\npidfile ${folder}/pid\ndriftfile ${folder}/drift\n`,
        );
        lab.router.run(['chronyd', '-d', '-u', 'root', '-f', `${folder}/conf`]).stderr.resume();
        await until(() => kernelBelievesClock() === true, { what: 'chrony to vouch for the clock' });
      }),
    ),
);

test('the time since boot is that of CLOCK_BOOTTIME, which goes on in suspend', async () => {
  // A time namespace moves it against CLOCK_MONOTONIC, as a suspend does.
  const module = new URL('../../src/sntp/index.js', import.meta.url).href;
  const script = `import('${module}').then(({ bootTime }) => console.log(bootTime(), Number(process.hrtime.bigint()) / 1e6))`;
  const difference = async (...argv: readonly string[]): Promise<number> => {
    const [boot = 0, monotonic = 0] = (await exec([...argv, process.execPath, '-e', script]))
      .split(' ')
      .map(Number);
    return boot - monotonic;
  };
  // To move it takes CAP_SYS_TIME, which a user namespace gives where this world is without.
  const ownRights = ['--user', '--map-root-user'];
  const here = await difference();
  const moved = await difference('unshare', ...ownRights, '--time', '--boottime', '28800', '--fork');
  assert.ok(Math.abs(moved - here - 28_800_000) < 1_000, `${moved} ms, ${here} ms`);
});

test(
  'built without a C compiler: connected by the npm package, and said in a line that the clock cannot be set',
  nodeOnly('a package in the place of its native part'),
  () =>
    withLab({ gateways: 1 }, async (lab) => {
      const folder = `${lab.folder}/plain`;
      await mkdir(folder);
      for (const file of ['wgpeerselector.js', 'package.json']) {
        await copyFile(`${root}dist/bundle/${file}`, `${folder}/${file}`);
      }
      await symlink(`${root}node_modules`, `${folder}/node_modules`);
      const ntp = await ntpServer(lab, 'ntp', 3, '--shift=3600');
      const daemon = await lab.startDaemon({
        program: [process.execPath, `${folder}/wgpeerselector.js`],
        files: ntpServers(ntp.address.v4),
      });
      await daemon.line(connected);
      await daemon.line(/warning: the clock cannot be set: the native part was not built \(no /, {
        from: 'start',
      });
      daemon.signal('SIGTERM');
      assert.equal((await daemon.exit()).code, 0);
      assert.deepEqual((await lab.router.wg()).peers, []);
    }),
);

test('no NTP servers: said once, and connected', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const daemon = await lab.startDaemon();
    await daemon.line(connected);
    assert.equal(daemon.lines(/no NTP servers are configured/).length, 1);
  }));

test('the clock jumps by an hour and by fifty years, there and back: no packet is lost', setsClock, () =>
  withOwnClock((truth) =>
    withLab({ gateways: 1 }, async (lab) => {
      const [gw1] = lab.gateways;
      assert.ok(gw1);
      const daemon = await lab.startDaemon({ config: lab.config({ interface: { check_interval: 1 } }) });
      await daemon.line(connected);
      const flow = await lab.flow(gw1, 20);
      const hour = 3_600_000;
      for (const step of [hour, -hour, 50 * 8766 * hour, -50 * 8766 * hour]) {
        await setClock(now(truth) + step);
        // Several looks of the daemon at its connection.
        await flow.moves(150);
      }
      const { lost, sent } = await flow.stop();
      assert.ok(sent > 600);
      assert.equal(lost, 0);
      assert.equal(daemon.lines(/connection ended/).length, 0);
    }),
  ),
);

test('the group is in force before the first DNS or NTP packet', needs('users and groups to change to'), () =>
  withLab({ gateways: 1 }, async (lab) => {
    const [gw1] = lab.gateways;
    assert.ok(gw1);
    const ntp = await ntpServer(lab, 'ntp', 3);
    await lab.dns.set('gw1.test', [gw1.address.v4]);
    await lab.dns.set('time.test', [ntp.address.v4]);
    // Nothing of anybody else's reaches DNS or NTP, and what is dropped is counted.
    const guard = `table inet guard {
      chain out {
        type filter hook output priority 0; policy accept;
        udp dport { 53, 123 } meta skgid 65534 accept
        meta l4proto { tcp, udp } th dport { 53, 123 } counter drop
      }
    }`;
    const dropped = async (): Promise<number> => {
      const rules = await lab.router.exec(['nft', 'list', 'ruleset']);
      return Number(/counter packets (\d+)/.exec(rules)?.[1]);
    };
    await lab.router.exec(['nft', '-f', '-'], guard);
    const options = { endpoint: 'gw1.test:51820' };
    const config = lab.config({ peers: [{ gateway: gw1, options }], interface: { connect_timeout: 2 } });
    const files = ntpServers('time.test');
    const without = await lab.startDaemon({ config, files });
    await without.line(/gw1\.test does not resolve/);
    without.signal('SIGTERM');
    await without.exit();
    assert.ok((await dropped()) > 0, 'the rule works');
    await lab.router.exec(['nft', '-f', '-'], `flush ruleset\n${guard}`);
    const daemon = await lab.startDaemon({ config, files, args: ['-i', 'vpn', '--group', 'nogroup'] });
    await daemon.line(connected, { from: 'start' });
    await daemon.line(/info: NTP: .*agree/, { from: 'start' });
    assert.equal(await dropped(), 0, 'not one packet left before the group was in force');
  }),
);
