/** A bus for a test: the ubusd of test/support, or the real one that the environment variable UBUSD names. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Ubus } from '../../src/ubus/index.js';
import type { UbusOptions } from '../../src/ubus/session.js';
import { FakeUbusd } from './ubusd.js';
import type { Acl, Identity } from './ubusd-rules.js';

const { UBUSD: REAL } = process.env;

/** The ordinary user of ACL tests; every Debian has it. */
export const NOBODY: Identity = { user: 'nobody', group: 'nogroup' };

interface Daemon {
  start(): Promise<void>;
  stop(): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** Connects, to the path that `connecting` is given, as somebody else. */
  as<T>(identity: Identity, connecting: (path: string) => Promise<T>): Promise<T>;
}

/** A bus, and the clients a test has on it; all of it is gone when the test is over. */
export class TestBus {
  readonly path: string;
  readonly #daemon: Daemon;
  readonly #clients: Ubus[] = [];

  private constructor(path: string, daemon: Daemon) {
    this.path = path;
    this.#daemon = daemon;
  }

  static async start(t: TestContext, acls: readonly Acl[] = []): Promise<TestBus> {
    const bus = TestBus.prepare(t, acls);
    await bus.startDaemon();
    return bus;
  }

  /** A bus whose ubusd does not run yet. */
  static prepare(t: TestContext, acls: readonly Acl[] = []): TestBus {
    const folder = mkdtempSync(join(tmpdir(), 'ubus-test-'));
    chmodSync(folder, 0o755);
    const path = join(folder, 'ubus.sock');
    const daemon = REAL === undefined ? new FakeDaemon(path, acls) : new RealDaemon(REAL, path, folder, acls);
    const bus = new TestBus(path, daemon);
    t.after(async () => {
      for (const client of bus.#clients) client.close();
      await daemon.stop();
      rmSync(folder, { recursive: true });
    });
    return bus;
  }

  startDaemon(): Promise<void> {
    return this.#daemon.start();
  }

  stopDaemon(): Promise<void> {
    return this.#daemon.stop();
  }

  /** The daemon hangs: it is there, and does nothing until {@link thawDaemon}. */
  freezeDaemon(): void {
    this.#daemon.freeze();
  }

  thawDaemon(): void {
    this.#daemon.thaw();
  }

  async connect(options: UbusOptions = {}): Promise<Ubus> {
    const client = await Ubus.connect({ path: this.path, timeout: 20_000, ...options });
    this.#clients.push(client);
    return client;
  }

  /** Connects as another user. With the real ubusd, the test must run as root. */
  connectAs(identity: Identity, options: UbusOptions = {}): Promise<Ubus> {
    return this.#daemon.as(identity, (path) => this.connect({ ...options, path }));
  }

  open(options: UbusOptions = {}): Ubus {
    const client = Ubus.open({ path: this.path, timeout: 20_000, ...options });
    this.#clients.push(client);
    return client;
  }
}

class FakeDaemon implements Daemon {
  readonly #path: string;
  readonly #ubusd: FakeUbusd;

  constructor(path: string, acls: readonly Acl[]) {
    this.#path = path;
    this.#ubusd = new FakeUbusd(path, acls);
  }

  start(): Promise<void> {
    return this.#ubusd.start();
  }

  stop(): Promise<void> {
    return this.#ubusd.stop();
  }

  freeze(): void {
    this.#ubusd.freeze();
  }

  thaw(): void {
    this.#ubusd.thaw();
  }

  async as<T>(identity: Identity, connecting: (path: string) => Promise<T>): Promise<T> {
    const before = this.#ubusd.identity;
    this.#ubusd.identity = identity;
    try {
      return await connecting(this.#path);
    } finally {
      this.#ubusd.identity = before;
    }
  }
}

class RealDaemon implements Daemon {
  readonly #program: string;
  readonly #path: string;
  readonly #folder: string;
  readonly #aclFolder: string;
  readonly #relays: ChildProcess[] = [];
  #process: ChildProcess | undefined;

  constructor(program: string, path: string, folder: string, acls: readonly Acl[]) {
    this.#program = program;
    this.#path = path;
    this.#folder = folder;
    this.#aclFolder = join(folder, 'acl.d');
    mkdirSync(this.#aclFolder);
    for (const [index, acl] of acls.entries()) {
      const file = join(this.#aclFolder, `${index}.json`);
      writeFileSync(file, JSON.stringify(acl));
      chmodSync(file, 0o644);
    }
  }

  async start(): Promise<void> {
    this.#process = spawn(this.#program, ['-s', this.#path, '-A', this.#aclFolder], { stdio: 'inherit' });
    await until(async () => (await listening(this.#path)) || undefined, 'ubusd listens');
  }

  async stop(): Promise<void> {
    for (const relay of this.#relays.splice(0)) relay.kill('SIGKILL');
    const running = this.#process;
    if (running === undefined) return;
    this.#process = undefined;
    const exited = new Promise((resolve) => running.once('exit', resolve));
    running.kill('SIGKILL');
    await exited;
  }

  freeze(): void {
    this.#process?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }

  /** By a process of that user that stands between: not every Node changes its own user (Debian 13's refuses). */
  async as<T>({ user, group }: Identity, connecting: (path: string) => Promise<T>): Promise<T> {
    const folder = mkdtempSync(join(this.#folder, 'as-'));
    const path = join(folder, 'ubus.sock');
    const reading = ['--inh-caps=+dac_read_search', '--ambient-caps=+dac_read_search']; // the checkout, wherever it is
    const identity = [`--reuid=${user}`, `--regid=${group}`, '--clear-groups'];
    const relay = fileURLToPath(new URL('relay.js', import.meta.url));
    execFileSync('chown', [user, folder]);
    const child = spawn('setpriv', [...identity, ...reading, process.execPath, relay, path, this.#path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#relays.push(child);
    await once(child.stdout, 'data');
    return await connecting(path);
  }
}

function listening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

/** Asks again and again until `look` gives something, for at most `seconds`. */
export async function until<T>(
  look: () => T | undefined | Promise<T | undefined>,
  what: string,
  seconds = 20,
): Promise<T> {
  const deadline = performance.now() + seconds * 1000;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false) return found;
    if (performance.now() > deadline) throw new Error(`waited ${seconds} s in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A promise and its hands. */
export function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
