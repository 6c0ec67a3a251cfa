// Names, as the system resolves them: /etc/hosts, search list, late answers, silence, many at once.
import assert from 'node:assert/strict';
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readlink } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { connected, type Lab, until, wireguardPort, withLab } from './lab/index.js';

const here = (name: string): string => fileURLToPath(new URL(`lab/${name}`, import.meta.url));

/**
 * Starts a DNS server that has these addresses for every name; the router asks it.
 *
 * @param late when it tells the IPv6 one: milliseconds after the question, or as soon as something is written to it
 */
async function lateDns(
  lab: Lab,
  v4: string,
  v6: string,
  late: number | 'told',
): Promise<ChildProcessWithoutNullStreams> {
  const host = await lab.addHost('late', 3);
  const server = host.run([process.execPath, here('late-dns.js'), host.address.v4, v4, v6, `${late}`]);
  await once(server.stdout, 'data');
  await lab.writeResolvConf(`nameserver ${host.address.v4}\n`);
  return server;
}

/** Both ways to ask. */
const ways = ['native', 'fallback'] as const;

/** What the program resolve.ts tells. */
interface Event {
  readonly what: string;
  readonly name: string;
  readonly more: unknown;
}

/** The program resolve.ts on the router. */
class Asker {
  readonly child: ChildProcessWithoutNullStreams;
  readonly events: Event[] = [];

  constructor(child: ChildProcessWithoutNullStreams) {
    this.child = child;
    child.stderr.pipe(process.stdout);
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [what, name, more] = JSON.parse(line);
      this.events.push({ what, name, more });
    });
  }

  static async start(lab: Lab, way: (typeof ways)[number]): Promise<Asker> {
    const asker = new Asker(lab.runOnRouter([process.execPath, here('resolve.js'), way]));
    await asker.first('ready');
    return asker;
  }

  ask(timeout: number, ...names: readonly string[]): void {
    this.events.length = 0;
    this.child.stdin.write(names.map((name) => `${name} ${timeout}\n`).join(''));
  }

  async first(...what: readonly string[]): Promise<Event> {
    const find = () => this.events.find((event) => what.includes(event.what));
    return await until(find, { what: `an event ${what.join(' or ')}` });
  }

  /** Asks for one name; gives what was found, sorted, or the reason why nothing was. */
  async resolve(name: string, timeout: number): Promise<string[] | string> {
    this.ask(timeout, name);
    const { what, more } = await this.first('resolved', 'rejected');
    if (what === 'rejected') return String(more);
    const found = this.events.filter((event) => event.what === 'found');
    return found.flatMap((event) => (Array.isArray(event.more) ? event.more.map(String) : [])).sort();
  }
}

for (const way of ways) {
  test(`${way}: /etc/hosts, the search list and resolv.conf count, also when they change`, () =>
    withLab({ gateways: 0, interfaces: [] }, async (lab) => {
      await lab.dns.set('gw.lan.test', ['198.51.100.11', '2001:db8::b']);
      const asker = await Asker.start(lab, way);

      assert.match(String(await asker.resolve('gw.example.net', 60_000)), /^gw\.example\.net does not /);
      await lab.writeHosts('127.0.0.1 localhost\n192.0.2.77 gw.example.net alias # ours\n');
      assert.deepEqual(await asker.resolve('gw.example.net', 60_000), ['192.0.2.77']);
      assert.deepEqual(await asker.resolve('alias', 60_000), ['192.0.2.77']);

      assert.match(String(await asker.resolve('gw', 60_000)), /^gw does not /);
      await lab.writeResolvConf(`search other.test lan.test\n${lab.dns.resolvConf}`);
      assert.deepEqual(await asker.resolve('gw', 60_000), ['198.51.100.11', '2001:db8::b']);
      assert.deepEqual(await asker.resolve('gw.lan.test', 60_000), ['198.51.100.11', '2001:db8::b']);

      // Nobody listens at the router itself.
      await lab.writeResolvConf('nameserver 198.51.100.1\n');
      assert.match(
        String(await asker.resolve('gw.lan.test', 60_000)),
        /^gw\.lan\.test does not resolve: DNS server 198\.51\.100\.1 is not reachable/,
      );
      await lab.writeResolvConf(lab.dns.resolvConf);
      assert.deepEqual(await asker.resolve('gw.lan.test', 60_000), ['198.51.100.11', '2001:db8::b']);
      assert.equal(
        await asker.resolve('nobody.test', 60_000),
        'nobody.test does not exist (DNS server 198.51.100.2)',
      );
    }));

  test(`${way}: an AAAA that comes after the A is told, and the A was not held up`, () =>
    withLab({ gateways: 0, interfaces: [] }, async (lab) => {
      const server = await lateDns(lab, '192.0.2.7', '2001:db8::7', 'told');
      const asker = await Asker.start(lab, way);
      asker.ask(60_000, 'gw.test');
      await asker.first('found');
      server.stdin.write('\n');
      await asker.first('resolved', 'rejected');
      const [a, aaaa, end, ...more] = asker.events;
      assert.deepEqual(more, []);
      assert.deepEqual([a?.what, a?.more], ['found', ['192.0.2.7']]);
      assert.deepEqual([aaaa?.what, aaaa?.more], ['found', ['2001:db8::7']]);
      assert.equal(end?.what, 'resolved');
    }));

  test(`${way}: a silent server: the timeout holds, many names take few sockets, and the end waits for nobody`, () =>
    withLab({ gateways: 0, interfaces: [] }, async (lab) => {
      await lab.dns.mute();
      const asker = await Asker.start(lab, way);
      const pid = asker.child.pid ?? 0;
      const count = async () => {
        const folder = `/proc/${pid}/fd`;
        const links = (await readdir(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(() => ''));
        const sockets = (await Promise.all(links)).filter((link) => link.startsWith('socket:')).length;
        return { sockets, threads: (await readdir(`/proc/${pid}/task`)).length };
      };
      assert.equal(
        await asker.resolve('gw.test', 2_000),
        'gw.test does not resolve: no answer from DNS server 198.51.100.2 within 2 s',
      );
      const before = await count();
      const names = Array.from({ length: 300 }, (_, i) => `gw${i}.test`);
      asker.ask(3_000, ...names);
      let most = before;
      await until(
        async () => {
          const { sockets, threads } = await count();
          most = { sockets: Math.max(most.sockets, sockets), threads: Math.max(most.threads, threads) };
          return asker.events.length === names.length;
        },
        { what: 'the end of 300 look-ups' },
      );
      assert.ok(
        asker.events.every(({ what, more }) => what === 'rejected' && /no answer/.test(String(more))),
      );
      assert.ok(most.sockets - before.sockets <= 16, `${most.sockets} sockets, ${before.sockets} before`);
      assert.ok(most.threads - before.threads <= 8, `${most.threads} threads, ${before.threads} before`);
      assert.ok(most.sockets > before.sockets, 'it did ask');

      // Those that nobody waits for any more are over soon, and do not hold up what needs no server.
      await lab.writeHosts('192.0.2.77 gw.example.net\n2001:db8::77 gw.example.net\n');
      assert.deepEqual(await asker.resolve('gw.example.net', 7_000), ['192.0.2.77', '2001:db8::77']);

      // Three silent servers, and all the time in the world: the C library would wait for half a minute.
      await lab.writeResolvConf(lab.dns.resolvConf.repeat(3));
      asker.ask(600_000, ...names);
      await until(async () => (await count()).sockets > before.sockets, { what: 'look-ups to begin' });
      const ended = once(asker.child, 'exit');
      const at = performance.now();
      asker.child.stdin.end();
      assert.deepEqual(await ended, [0, null]);
      assert.ok(performance.now() - at < 10_000, `${performance.now() - at} ms`);
      assert.ok(asker.events.every(({ what }) => what !== 'resolved'));
    }));
}

test('the daemon connects to a name of /etc/hosts while DNS is silent, and ends at once', () =>
  withLab({ gateways: 2 }, async (lab) => {
    const [gw1, gw2] = lab.gateways;
    assert.ok(gw1 && gw2);
    await lab.dns.mute();
    await lab.writeHosts(`${gw1.address.v4} gw.example.net\n${gw1.address.v6} gw.example.net\n`);
    const peer = (gateway: typeof gw1, host: string) => ({
      gateway,
      options: { endpoint: `${host}:${wireguardPort}` },
    });
    const daemon = await lab.startDaemon({
      config: lab.config({ peers: [peer(gw1, 'gw.example.net'), peer(gw2, 'gw2.test')] }),
    });
    assert.match((await daemon.line(connected)).text, /gw1/);
    // Now one that waits for an answer: its threads must not hold up the end.
    await daemon.reload(lab.config({ peers: [peer(gw2, 'gw2.test')], interface: { connect_timeout: 600 } }));
    await daemon.line(/gw1: connection ended/);
    daemon.signal('SIGTERM');
    const { code, duration } = await daemon.exit();
    assert.equal(code, 0);
    assert.ok(duration < 5_000, `${duration} ms`);
  }));

test('the daemon connects to a short name by the search list', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const [gw1] = lab.gateways;
    assert.ok(gw1);
    await lab.dns.set('gw.lan.test', [gw1.address.v4]);
    await lab.writeResolvConf(`search lan.test\n${lab.dns.resolvConf}`);
    const options = { endpoint: `gw:${wireguardPort}` };
    const daemon = await lab.startDaemon({ config: lab.config({ peers: [{ gateway: gw1, options }] }) });
    await daemon.line(connected);
  }));

test('the uplink has IPv6 only, and the AAAA comes 200 ms after the A: connected', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const [gw1] = lab.gateways;
    assert.ok(gw1);
    // To 192.0.2.0/24 nobody has a route.
    await lateDns(lab, '192.0.2.7', gw1.address.v6, 200);
    const options = { endpoint: `gw1.test:${wireguardPort}` };
    const daemon = await lab.startDaemon({ config: lab.config({ peers: [{ gateway: gw1, options }] }) });
    const { text } = await daemon.line(connected);
    assert.ok(text.includes(gw1.address.v6), text);
  }));
