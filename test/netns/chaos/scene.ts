/** A daemon in a lab, its connection under a flow of echo requests, and what others have on the same router. */
import assert from 'node:assert/strict';
import { Ubus } from '../../../src/ubus/index.js';
import type { SeededRandom } from '../../simulation/random.js';
import { FakeUbusd } from '../../support/ubusd.js';
import {
  type AddressPair,
  anyGateway,
  type Daemon,
  type Flow,
  type Gateway,
  type Host,
  inside,
  Lab,
  ourProtocol,
  patience,
  type Route,
  until,
} from '../lab/index.js';
import { type KeyPair, keyPair } from '../lab/keys.js';
import { ntpServer, ntpServers } from '../lab/ntp.js';
import type { Incident } from './incident.js';

const OBJECT = 'wgpeerselector.vpn';
/** The name of the last gateway. */
const NAME = 'gw3.test';
/** So many lines of a daemon's log within a minute are more than a person reads. */
const MANY_LINES = 120;
/** Between two echo requests, milliseconds. */
const INTERVAL = 50;

/** What somebody else has on the interface: a peer, and a route to it. */
export const foreign = { key: keyPair().publicKey, prefix: '10.99.0.0/24' } as const;

/** How one incident ended; milliseconds. */
export interface Outcome {
  /** The longest time without an answer through the tunnel. */
  readonly outage: number;
  /** From the moment at which nothing stood in its way any more until all was well. */
  readonly recovery: number;
}

/** How a scene is made. */
export interface SceneOptions {
  /** What is left to chance. */
  readonly random: SeededRandom;
  /** Whether the daemon asks two honest servers and a liar for the time: only where the clock may be set. */
  readonly ntp: boolean;
}

/** See the file's head. Make one with {@link Scene.start}, end it with {@link Scene.stop}, and {@link Scene.close} it whatever happens. */
export class Scene {
  readonly lab: Lab;
  readonly random: SeededRandom;
  readonly ubusd: FakeUbusd;
  /** The hosts that the daemon asks for the time. */
  readonly ntp: readonly Host[];
  readonly #client: Ubus;
  #daemon: Daemon | undefined;
  #flow: Flow | undefined;
  /** What others have on the router. */
  #others: readonly string[] = [];

  private constructor(lab: Lab, options: SceneOptions, ubusd: FakeUbusd, client: Ubus, ntp: readonly Host[]) {
    this.lab = lab;
    this.random = options.random;
    this.ubusd = ubusd;
    this.#client = client;
    this.ntp = ntp;
  }

  /** Makes the world and starts the daemon; all is well when this returns. */
  static async start(options: SceneOptions): Promise<Scene> {
    const lab = await Lab.create({ gateways: 3 });
    const ubusd = new FakeUbusd(`${lab.folder}/ubus.sock`);
    try {
      await ubusd.start();
      const client = await Ubus.connect({ path: ubusd.path, timeout: 60_000 });
      const scene = new Scene(lab, options, ubusd, client, options.ntp ? await startNtp(lab) : []);
      await scene.name();
      await scene.makeForeign();
      scene.#others = (await scene.#see()).others;
      await scene.startDaemon();
      await scene.held();
      scene.#flow = await lab.flow(anyGateway.v4, INTERVAL);
      await scene.#well();
      return scene;
    } catch (error) {
      process.stdout.write(`${await lab.describe()}\n`);
      await ubusd.stop();
      await lab.close();
      throw error;
    }
  }

  /** The daemon, the last that was started. */
  get daemon(): Daemon {
    assert.ok(this.#daemon);
    return this.#daemon;
  }

  /** Of the router's WireGuard interface. */
  get keys(): KeyPair {
    return this.#interface.keys;
  }

  /** Of the router's WireGuard interface, inside the tunnel. */
  get address(): AddressPair {
    return this.#interface.address;
  }

  /**
   * Lets something happen and waits until all is well.
   *
   * @throws Error with the incident's name and what is not, if that takes too long
   */
  async endure({ name, happen }: Incident): Promise<Outcome> {
    const flow = this.#running();
    flow.countGapAnew();
    try {
      await happen(this);
      const start = performance.now();
      await this.#well();
      return { outage: flow.longestGap, recovery: performance.now() - start };
    } catch (error) {
      throw new Error(`${name}: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  }

  /** Ends the daemon as it should be ended, and sees that nothing is left. */
  async stop(): Promise<void> {
    this.daemon.signal('SIGTERM');
    assert.equal((await this.daemon.exit()).code, 0);
    const left = await this.#see();
    assert.deepEqual(left.ours, { peers: [], routes: [] });
    assert.deepEqual(left.others, this.#others);
    for (const { log } of this.lab.daemons) {
      const within = (start: number) => log.filter(({ at }) => at >= start && at < start + 60_000).length;
      const most = Math.max(0, ...log.map(({ at }) => within(at)));
      assert.ok(most <= MANY_LINES, `${most} lines of log within a minute`);
    }
  }

  /** Removes all that was made for it. */
  async close(): Promise<void> {
    this.#client.close();
    await this.ubusd.stop();
    await this.lab.close();
  }

  /** The gateway that it is connected to, as the kernel has it; waits for one. */
  async held(): Promise<Gateway> {
    return await until(
      async () => {
        const { peers } = await this.lab.router.wg();
        const [key, ...more] = peers.map(({ publicKey }) => publicKey).filter((one) => one !== foreign.key);
        return key !== undefined && more.length === 0 && this.lab.gateway(key);
      },
      { what: 'one peer of ours to be installed' },
    );
  }

  /** Waits until the tunnel carries echo requests and their answers. */
  async carries(): Promise<void> {
    await this.#running().moves(3);
  }

  /** Calls a method of the daemon's on ubus. */
  async ask(method: string): Promise<void> {
    await this.#client.waitFor(OBJECT, { timeout: patience });
    await this.#client.call(OBJECT, method);
  }

  /** Ends the daemon by SIGKILL. */
  async kill(): Promise<void> {
    this.daemon.signal('SIGKILL');
    await this.daemon.exit();
  }

  async startDaemon(): Promise<void> {
    const gateways = this.lab.gateways.map((gateway) =>
      gateway === this.lab.gateways.at(-1) ? { gateway, options: { endpoint: `${NAME}:51820` } } : gateway,
    );
    this.#daemon = await this.lab.startDaemon({
      config: this.lab.config({
        peers: gateways,
        interface: { ntp: this.ntp.length > 0 ? 1 : 0, probe_address: anyGateway.v4 },
      }),
      files: ntpServers(...this.ntp.map(({ address }) => address.v4)),
      args: ['-i', 'vpn', '--ubus-socket', this.ubusd.path],
    });
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.startDaemon();
  }

  /** Makes the interface as it was, with what is somebody else's. */
  async makeInterface(): Promise<void> {
    await this.lab.router.createInterface();
    await this.makeForeign();
  }

  /** Makes what is somebody else's, as far as it is not there. */
  async makeForeign(): Promise<void> {
    const { router } = this.lab;
    await router.wgSet('vpn', ['peer', foreign.key, 'allowed-ips', foreign.prefix]);
    await router.ip(`route replace ${foreign.prefix} dev vpn`);
  }

  /** Says to what addresses the last gateway's name leads; its own by default. */
  async name(...addresses: readonly string[]): Promise<void> {
    const own = this.lab.gateways.at(-1)?.address;
    assert.ok(own);
    await this.lab.dns.set(NAME, addresses.length > 0 ? addresses : [own.v4, own.v6]);
  }

  async #well(): Promise<void> {
    const flow = this.#running();
    const { received } = flow;
    let wrong: string[] = [];
    await until(
      async () => {
        wrong = await this.#wrong();
        if (flow.received < received + 3) wrong.push('the tunnel carries nothing');
        return wrong.length === 0;
      },
      { what: 'all to be well', every: 250 },
    ).catch((error: Error) => {
      throw new Error(`${error.message}; not well: ${wrong.join('; ')}`);
    });
  }

  /** What is not as it should be. */
  async #wrong(): Promise<string[]> {
    if (!this.daemon.running) throw new Error(this.daemon.describe());
    const [{ ours, others }, info] = await Promise.all([
      this.#see(),
      this.#client.call(OBJECT, 'info').catch((error: Error) => ({ state: error.message })),
    ]);
    const wrong: string[] = [];
    const differs = (what: string, is: unknown, wanted: unknown): void => {
      const [one, other] = [JSON.stringify(is), JSON.stringify(wanted)];
      if (one !== other) wrong.push(`${what}: ${one} instead of ${other}`);
    };
    differs('peers of ours', ours.peers.length, 1);
    differs('routes of ours', ours.routes, [`${inside.v4} vpn`, `${inside.v6} vpn`]);
    differs("others' state", others, this.#others);
    const { state, public_key } = info as Readonly<Record<string, unknown>>;
    differs('info', [state, public_key], ['established', ours.peers[0]]);
    return wrong;
  }

  /** What is on the router: of us, and of everybody else. */
  async #see(): Promise<{ ours: { peers: string[]; routes: string[] }; others: string[] }> {
    const { router } = this.lab;
    const [{ peers }, routes, ...texts] = await Promise.all([
      router.wg(),
      router.routes(),
      ...['ip -4 rule', 'ip -6 rule', 'ip -brief address'].map((line) => router.exec(line.split(' '))),
    ]);
    const isOurs = ({ protocol }: Route): boolean => protocol === ourProtocol;
    const others = [
      ...peers
        .filter(({ publicKey }) => publicKey === foreign.key)
        .map(({ publicKey, allowedIps }) => `${publicKey} ${allowedIps}`),
      ...routes.filter((route) => !isOurs(route)).map((route) => JSON.stringify(route)),
      ...texts.flatMap((text) => text.trim().split(/ *\n/)),
    ];
    return {
      ours: {
        peers: peers.map(({ publicKey }) => publicKey).filter((key) => key !== foreign.key),
        routes: routes
          .filter(isOurs)
          .map(({ dst, dev }) => `${dst} ${dev}`)
          .sort(),
      },
      // Of its own accord the kernel gives an interface a link-local address, when IPv6 comes back to it for one.
      others: others
        .filter((line) => !/"fe80::/.test(line))
        .map((line) => line.replace(/ fe80::\S+/, ''))
        .sort(),
    };
  }

  #running(): Flow {
    assert.ok(this.#flow);
    return this.#flow;
  }

  get #interface() {
    const [vpn] = this.lab.router.interfaces;
    assert.ok(vpn);
    return vpn;
  }
}

/** Two honest servers, and one that is an hour off. */
async function startNtp(lab: Lab): Promise<Host[]> {
  return [
    await ntpServer(lab, 'ntp1', 7),
    await ntpServer(lab, 'ntp2', 8),
    await ntpServer(lab, 'ntp3', 9, '--behaviour', 'lie'),
  ];
}
