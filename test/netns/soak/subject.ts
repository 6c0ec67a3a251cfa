/** A daemon that is watched for long: in a lab and on a bus of its own, at rest or made to connect and lose all the time. */
import assert from 'node:assert/strict';
import { Ubus } from '../../../src/ubus/index.js';
import { descriptors, memory, threads } from '../../bench/process-figures.js';
import { FakeUbusd } from '../../support/ubusd.js';
import { type Daemon, Lab, ourRoutes, patience, until } from '../lab/index.js';
import { type ProgramName, programs } from '../lab/program.js';
import type { Sample } from './growth.js';

const OBJECT = 'wgpeerselector.vpn';
/** The name of the last gateway: to connect to it a name is resolved. */
const NAME = 'gw3.test';

/** Of the debug level, to which most of the lines go that are one of many. */
const connected = /vpn \S+: connected to /;

/** Node's is told to collect its garbage before each sample. */
const commands: Readonly<Record<ProgramName, readonly string[]>> = {
  node: [
    process.execPath,
    ...['--expose-gc', '--import', new URL('collect.js', import.meta.url).href],
    ...programs.node.slice(1),
  ],
  router: programs.router,
};

/** What a subject does: it holds a connection, or makes and loses them as fast as it can. */
export type Manner = 'holding' | 'changing';

/** See the file's head. Make one with {@link Subject.start}, end it with {@link Subject.stop}, and {@link Subject.close} it whatever happens. */
export class Subject {
  readonly program: ProgramName;
  readonly manner: Manner;
  readonly lab: Lab;
  readonly samples: Sample[] = [];
  readonly #daemon: Daemon;
  readonly #ubusd: FakeUbusd;
  readonly #client: Ubus;
  /** Connections so far. */
  connections = 0;
  /** Of the churn; it ends when this is set. */
  #over = false;
  #churn: Promise<void> = Promise.resolve();
  #trouble: unknown;

  private constructor(
    program: ProgramName,
    manner: Manner,
    parts: { readonly lab: Lab; readonly daemon: Daemon; readonly ubusd: FakeUbusd; readonly client: Ubus },
  ) {
    this.program = program;
    this.manner = manner;
    this.lab = parts.lab;
    this.#daemon = parts.daemon;
    this.#ubusd = parts.ubusd;
    this.#client = parts.client;
  }

  /** Starts it; it is connected when this returns, and changes its connections from then on if that is its manner. */
  static async start(program: ProgramName, manner: Manner): Promise<Subject> {
    const lab = await Lab.create({ gateways: 3 });
    const path = `${lab.folder}/ubus.sock`;
    const ubusd = new FakeUbusd(path);
    try {
      await ubusd.start();
      const client = await Ubus.connect({ path, timeout: 60_000 });
      const daemon = await lab.startDaemon({
        program: commands[program],
        config: await configuration(lab),
        args: ['-i', 'vpn', '-v', '--ubus-socket', path],
      });
      const subject = new Subject(program, manner, { lab, daemon, ubusd, client });
      await client.waitFor(OBJECT, { timeout: patience });
      await subject.#connected();
      if (manner === 'changing') subject.#change();
      return subject;
    } catch (error) {
      process.stdout.write(`${await lab.describe()}\n`);
      await ubusd.stop();
      await lab.close();
      throw error;
    }
  }

  /** `router, holding` */
  get name(): string {
    return `${this.program}, ${this.manner}`;
  }

  /**
   * Takes a sample.
   *
   * @throws what went wrong meanwhile: the daemon has ended, a connection did not come
   */
  async sample(): Promise<Sample> {
    if (this.#trouble !== undefined) throw this.#trouble;
    if (!this.#daemon.running) throw new Error(`${this.name}: ${this.#daemon.describe()}`);
    const live = this.program === 'node' ? await this.#collect() : undefined;
    const { pid } = this.#daemon;
    const taken = {
      memory: memory(pid).private * 1e6,
      live,
      descriptors: descriptors(pid),
      threads: threads(pid),
    };
    this.samples.push(taken);
    return taken;
  }

  /** Ends it, and sees that it has told of no error, ends well, and leaves nothing behind. */
  async stop(): Promise<void> {
    this.#over = true;
    await this.#churn;
    if (this.#trouble !== undefined) throw this.#trouble;
    const held = this.manner === 'holding' ? /^error|connection ended/ : /^error/;
    assert.deepEqual(this.#daemon.lines(held), [], this.name);
    this.#daemon.signal('SIGTERM');
    assert.equal((await this.#daemon.exit()).code, 0, this.name);
    assert.deepEqual((await this.lab.router.wg()).peers, [], this.name);
    assert.deepEqual(await ourRoutes(this.lab), [], this.name);
  }

  /** Removes all that was made for it. */
  async close(): Promise<void> {
    this.#over = true;
    this.#client.close();
    await this.#ubusd.stop();
    await this.lab.close();
  }

  /** Waits for one connection more. */
  async #connected(): Promise<void> {
    await this.#daemon.line(connected);
    this.connections++;
  }

  /** Has V8 collect its garbage. @returns what is left, in bytes */
  async #collect(): Promise<number> {
    const told = () => this.#daemon.stdout.match(/^live \d+$/gm) ?? [];
    const before = told().length;
    this.#daemon.signal('SIGUSR2');
    await until(() => told().length > before, { what: `${this.name}: its garbage to be collected` });
    return Number(told().at(-1)?.slice('live '.length));
  }

  #change(): void {
    const work = async (): Promise<void> => {
      for (let turn = 1; !this.#over; turn++) {
        await this.#disturb(turn);
        await this.#connected();
      }
    };
    this.#churn = work().catch((error: unknown) => {
      this.#trouble ??= error;
    });
  }

  /** Does something that ends the connection and leads to another: nearly always asks for the next; now and then what takes longer. */
  async #disturb(turn: number): Promise<void> {
    const { router } = this.lab;
    switch (turn % 50) {
      case 10:
        this.#daemon.signal('SIGHUP');
        break;
      case 20:
        return await router.exec(['wg', 'set', 'vpn', 'peer', await this.#peer(), 'remove']).then(() => {});
      case 30:
        await router.deleteInterface();
        return await router.createInterface();
      case 40: {
        await this.#ubusd.stop();
        await this.#ubusd.start();
        await this.#client.waitFor(OBJECT, { timeout: patience });
        break;
      }
      case 49:
        return await this.#fail();
    }
    await this.#client.call(OBJECT, 'next');
  }

  /** The key of the peer that the kernel holds. */
  async #peer(): Promise<string> {
    const [peer] = (await this.lab.router.wg()).peers;
    assert.ok(peer, `${this.name}: established without a peer`);
    return peer.publicKey;
  }

  /** A gateway that does not answer is tried in vain. */
  async #fail(): Promise<void> {
    const held = this.lab.gateway(await this.#peer());
    const dead = this.lab.gateways.find((gateway) => gateway !== held);
    assert.ok(dead);
    await dead.kill();
    await this.#client.call(OBJECT, 'select', { peer: dead.name });
    await this.#daemon.line(new RegExp(`vpn ${dead.name}: .*no handshake within`));
    await dead.revive();
  }
}

/** Every gateway as a peer, each in its own way; looks and failures as quick as can be. */
async function configuration(lab: Lab): Promise<string> {
  const [gw1, gw2, gw3] = lab.gateways;
  assert.ok(gw1 && gw2 && gw3);
  await lab.dns.set(NAME, [gw3.address.v4, gw3.address.v6]);
  return lab.config({
    peers: [
      gw1,
      { gateway: gw2, options: { endpoint: gw2.endpoint6 } },
      { gateway: gw3, options: { endpoint: `${NAME}:51820` } },
    ],
    interface: { check_interval: 1, connect_timeout: 1, ntp: 0 },
  });
}
