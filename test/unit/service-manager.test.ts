// What systemd is told, by which rules: sd_notify(3), sd_watchdog_enabled(3). test/unit/notify.test.ts has real sockets.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ManagedProcess, ServiceManager, type Watched } from '../../src/daemon/service-manager.js';

/** A process under a service manager, with a clock that is turned by hand. */
class FakeProcess implements ManagedProcess {
  readonly pid = 42;
  /** What was sent, and where. */
  readonly told: string[] = [];
  /** Why nothing can be sent. */
  error: string | undefined;
  readonly log: string[] = [];
  #now = 0;
  readonly #timers = new Map<() => void, number>();
  readonly #variables: Readonly<Record<string, string>>;

  constructor(variables: Readonly<Record<string, string>>) {
    this.#variables = variables;
  }

  environment = (name: string): string | undefined => this.#variables[name];
  monotonicMicroseconds = (): number => 1_234_567;

  notify = (path: string, text: string): void => {
    if (this.error !== undefined)
      throw Object.assign(new Error(`${this.error}: of the test`), { code: this.error });
    this.told.push(`${path.replaceAll('\0', '@')} ${text.replaceAll('\n', ' ')}`);
  };

  after = (milliseconds: number, callback: () => void): (() => void) => {
    const due = (): void => callback();
    this.#timers.set(due, this.#now + milliseconds);
    return () => this.#timers.delete(due);
  };

  get timers(): number {
    return this.#timers.size;
  }

  pass(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (;;) {
      const [first] = [...this.#timers].sort(([, one], [, other]) => one - other);
      if (first === undefined || first[1] > end) break;
      this.#now = first[1];
      this.#timers.delete(first[0]);
      first[0]();
    }
    this.#now = end;
  }

  /** What was told since this was last asked. */
  news(): string[] {
    return this.told.splice(0);
  }

  find(): ServiceManager | undefined {
    return ServiceManager.find({ write: (level, _, text) => this.log.push(`${level}: ${text}`) }, this);
  }

  manager(): ServiceManager {
    const found = this.find();
    assert.ok(found);
    return found;
  }
}

class FakeInterface implements Watched {
  text = 'vpn: connecting';
  alive = true;
  changed: () => void = () => {};
  stateText = (): string => this.text;
  goesOn = (): boolean => this.alive;
  onState(listener: () => void): void {
    this.changed = listener;
  }
  become(text: string): void {
    this.text = text;
    this.changed();
  }
}

test('under nobody there is nothing: no timer, no word', () => {
  for (const variables of [{}, { NOTIFY_SOCKET: '' }, { WATCHDOG_USEC: '1000000' }]) {
    const process = new FakeProcess(variables);
    assert.equal(process.find(), undefined);
    assert.deepEqual([process.timers, process.log], [0, []]);
  }
});

test('an address that cannot be one is told of, and nobody is told anything', () => {
  for (const socket of ['vsock:2:1234', 'relative', '@', '/']) {
    const process = new FakeProcess({ NOTIFY_SOCKET: socket });
    assert.equal(process.find(), undefined);
    assert.equal(process.log.length, 1);
    assert.match(process.log[0] ?? '', /^warning: NOTIFY_SOCKET is '.*', expected a path, or @ and/);
  }
});

test('a life: ready, changes of state, a reload, the end', () => {
  const process = new FakeProcess({ NOTIFY_SOCKET: '/run/systemd/notify' });
  const manager = process.manager();
  const [vpn, other] = [new FakeInterface(), new FakeInterface()];
  other.text = 'other: waiting for the interface';
  manager.reloading(); // on the bus, before it serves
  manager.ready();
  assert.deepEqual(process.news(), []);
  manager.serve([vpn, other]);
  const rest = '; other: waiting for the interface';
  assert.deepEqual(process.news(), [`/run/systemd/notify READY=1 STATUS=vpn: connecting${rest}`]);
  vpn.become('vpn: connected to gw1 at 192.0.2.1:51820');
  vpn.become('vpn: connected to gw1 at 192.0.2.1:51820');
  const connected = `STATUS=vpn: connected to gw1 at 192.0.2.1:51820${rest}`;
  assert.deepEqual(process.news(), [`/run/systemd/notify ${connected}`]);
  manager.reloading();
  manager.ready();
  assert.deepEqual(process.news(), [
    '/run/systemd/notify RELOADING=1 MONOTONIC_USEC=1234567',
    `/run/systemd/notify READY=1 ${connected}`,
  ]);
  manager.stopping();
  manager.reloading();
  manager.ready();
  assert.deepEqual(process.news(), ['/run/systemd/notify STOPPING=1']);
  assert.deepEqual([process.timers, process.log], [0, []]);
});

test('interfaces that come and go while it serves', () => {
  const process = new FakeProcess({ NOTIFY_SOCKET: '@systemd', WATCHDOG_USEC: '2000' });
  const manager = process.manager();
  const [vpn, other] = [new FakeInterface(), new FakeInterface()];
  manager.serve([vpn]);
  process.news();
  other.text = 'other: connecting';
  other.alive = false;
  manager.watch(other);
  assert.deepEqual(process.news(), ['@systemd STATUS=vpn: connecting; other: connecting']);
  process.pass(1);
  assert.deepEqual(process.news(), []); // it hangs
  manager.unwatch(other);
  assert.deepEqual(process.news(), ['@systemd STATUS=vpn: connecting']);
  process.pass(1);
  assert.deepEqual(process.news(), ['@systemd WATCHDOG=1']);
  manager.unwatch(vpn);
  assert.deepEqual(process.news(), ['@systemd STATUS=no interface to serve']);
  manager.reloading();
  assert.equal(process.news().length, 1); // it serves all the same
});

test('the status of very many interfaces is cut off', () => {
  const process = new FakeProcess({ NOTIFY_SOCKET: '@abstract' });
  process.manager().serve(Array.from({ length: 100 }, () => new FakeInterface()));
  const [told = ''] = process.news();
  assert.match(told, /^@abstract READY=1 STATUS=vpn: connecting; .*\.\.\.$/);
  assert.ok(told.length < 1100);
});

test('signs of life at half the time, as long as every loop goes on', () => {
  const process = new FakeProcess({
    NOTIFY_SOCKET: '/n',
    WATCHDOG_USEC: '30000000',
    WATCHDOG_PID: '42',
  });
  const manager = process.manager();
  assert.equal(process.timers, 0);
  const [vpn, other] = [new FakeInterface(), new FakeInterface()];
  manager.serve([vpn, other]);
  process.news();
  process.pass(14_999);
  assert.deepEqual(process.news(), []);
  process.pass(1);
  process.pass(15_000);
  assert.deepEqual(process.news(), ['/n WATCHDOG=1', '/n WATCHDOG=1']);
  other.alive = false;
  other.text = 'other: connecting';
  process.pass(60_000);
  assert.deepEqual(process.news(), []);
  assert.deepEqual(process.log, [
    "error: this hangs, and the service manager's watchdog will end the daemon: other: connecting",
  ]);
  other.alive = true;
  process.pass(15_000);
  assert.deepEqual(process.news(), ['/n WATCHDOG=1']);
  manager.stopping();
  process.news();
  process.pass(60_000);
  assert.deepEqual(process.news(), []);
});

test('a watchdog that means another process, or that cannot be one, is none', () => {
  for (const variables of [
    { WATCHDOG_USEC: '30000000', WATCHDOG_PID: '41' },
    { WATCHDOG_USEC: '30000000', WATCHDOG_PID: '42x' },
    { WATCHDOG_USEC: '0' },
    { WATCHDOG_USEC: '' },
    { WATCHDOG_USEC: '-1' },
    { WATCHDOG_USEC: '1e6' },
    {},
  ]) {
    const process = new FakeProcess({ NOTIFY_SOCKET: '/n', ...variables });
    process.manager().serve([new FakeInterface()]);
    assert.equal(process.timers, 0, JSON.stringify(variables));
  }
  const process = new FakeProcess({ NOTIFY_SOCKET: '/n', WATCHDOG_USEC: '999999999999999' });
  process.manager().serve([new FakeInterface()]);
  process.news();
  process.pass(2 ** 31 - 2);
  assert.deepEqual(process.news(), []);
  process.pass(1);
  assert.deepEqual(process.news(), ['/n WATCHDOG=1']);
});

test('a manager that is behind is told when it has room, in order, and no more than is of use', () => {
  const process = new FakeProcess({ NOTIFY_SOCKET: '/n', WATCHDOG_USEC: '2000000' });
  const manager = process.manager();
  process.error = 'EAGAIN';
  const vpn = new FakeInterface();
  manager.serve([vpn]);
  process.pass(2500);
  vpn.become('vpn: pausing');
  manager.reloading();
  manager.ready();
  vpn.become('vpn: connected');
  process.error = undefined;
  process.pass(250);
  assert.deepEqual(process.news(), [
    '/n READY=1 STATUS=vpn: pausing WATCHDOG=1',
    '/n RELOADING=1 MONOTONIC_USEC=1234567',
    '/n READY=1 STATUS=vpn: connected',
  ]);
  assert.deepEqual(process.log, []);
});

test('what waits for a manager that is stuck is bounded, and the newest is kept', () => {
  const process = new FakeProcess({ NOTIFY_SOCKET: '/n' });
  const manager = process.manager();
  process.error = 'EAGAIN';
  manager.serve([new FakeInterface()]);
  for (let time = 0; time < 100; time++) {
    manager.reloading();
    manager.ready();
  }
  process.error = undefined;
  process.pass(250);
  const late = process.news();
  assert.ok(late.length <= 8, `${late.length} datagrams`);
  assert.deepEqual(late.slice(-2), [
    '/n RELOADING=1 MONOTONIC_USEC=1234567',
    '/n READY=1 STATUS=vpn: connecting',
  ]);
});

test('a manager that cannot be reached is told of once', () => {
  for (const [code, text] of [
    ['ECONNREFUSED', 'ECONNREFUSED: of the test'],
    ['ENOSYS', 'the native part is missing'],
  ] as const) {
    const process = new FakeProcess({ NOTIFY_SOCKET: '/n' });
    process.error = code;
    const manager = process.manager();
    const vpn = new FakeInterface();
    manager.serve([vpn]);
    vpn.become('vpn: connected');
    manager.stopping();
    assert.deepEqual(process.log, [`warning: the service manager cannot be told how it goes: ${text}`]);
    assert.equal(process.timers, 0);
  }
});
