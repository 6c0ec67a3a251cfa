/** A bus for a test: the ubusd of test/support, or the real one that the environment variable UBUSD names. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
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
  as<T>(identity: Identity, connecting: () => Promise<T>): Promise<T>;
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
    return this.#daemon.as(identity, () => this.connect(options));
  }

  open(options: UbusOptions = {}): Ubus {
    const client = Ubus.open({ path: this.path, timeout: 20_000, ...options });
    this.#clients.push(client);
    return client;
  }
}

class FakeDaemon implements Daemon {
  readonly #ubusd: FakeUbusd;

  constructor(path: string, acls: readonly Acl[]) {
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

  async as<T>(identity: Identity, connecting: () => Promise<T>): Promise<T> {
    const before = this.#ubusd.identity;
    this.#ubusd.identity = identity;
    try {
      return await connecting();
    } finally {
      this.#ubusd.identity = before;
    }
  }
}

class RealDaemon implements Daemon {
  readonly #program: string;
  readonly #path: string;
  readonly #aclFolder: string;
  #process: ChildProcess | undefined;

  constructor(program: string, path: string, folder: string, acls: readonly Acl[]) {
    this.#program = program;
    this.#path = path;
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

  /**
   * ubusd looks at who the process is at the moment it connects, and that is before `connecting` first waits.
   */
  async as<T>({ user, group }: Identity, connecting: () => Promise<T>): Promise<T> {
    process.setegid?.(idOf('/etc/group', group));
    process.seteuid?.(idOf('/etc/passwd', user));
    let connected: Promise<T>;
    try {
      connected = connecting();
    } finally {
      process.seteuid?.(0);
      process.setegid?.(0);
    }
    return await connected;
  }
}

function idOf(file: string, name: string): number {
  const line = readFileSync(file, 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  const id = Number(line?.split(':')[2]);
  if (!Number.isInteger(id)) throw new Error(`no ${name} in ${file}`);
  return id;
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
