/** A script of test/simulation on the real kernel: one WireGuard interface of the router's, and one gateway. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Deed, Recording, Sample } from '../simulation/recording.js';
import { type Action, DATAGRAM, type Script } from '../simulation/scripts.js';
import type { Flow, Gateway, Lab, WgPeer } from './lab/index.js';
import type { Ran, Shell } from './lab/shell.js';

/** What the daemon's kick uses where no keepalive is configured. */
const KICK_INTERVAL = 25;

/** A port at which nobody is. */
const PORT = 9;

/** Of an echo request it is known that it went out when the next one does, or later: so long is watched after the end (seconds). */
const AFTERWARDS = 3;

export class KernelStage {
  readonly script: Script;
  readonly #lab: Lab;
  readonly #shell: Shell;
  readonly #name: string;
  readonly #gateway: Gateway;
  /** Routed into the tunnel, and nobody has it. */
  readonly #nobody: string;
  /** When the script begins, in seconds since 1970. */
  #begin = 0;
  readonly #deeds: Deed<Action>[] = [];
  readonly #samples: Sample[] = [];
  #keepalive = 0;
  #flow: Flow | undefined;

  /**
   * @param shell in the router's namespace
   * @param index from 1: of the script, of the router's interface and of the gateway
   */
  constructor(lab: Lab, shell: Shell, script: Script, index: number) {
    this.script = script;
    this.#lab = lab;
    this.#shell = shell;
    this.#name = interfaceName(index);
    this.#gateway = lab.gateway(`gw${index}`);
    this.#nobody = `10.78.2.${index}`;
  }

  get recording(): Recording<Action> {
    return { samples: this.#samples, deeds: this.#deeds };
  }

  /** Sets when it begins, in seconds since 1970. */
  set begin(seconds: number) {
    this.#begin = seconds;
  }

  /** Until when it is watched, in seconds since 1970. */
  get end(): number {
    return this.#begin + this.script.seconds + AFTERWARDS;
  }

  /** `ip` commands, to be given at the router, that lead packets into the tunnel. */
  get routes(): string[] {
    const { address } = this.#interface;
    return [this.#gateway.inside.v4, this.#nobody].map(
      (destination) => `route replace ${destination}/32 dev ${this.#name} src ${address.v4}`,
    );
  }

  /** Does what the script says, at the moments it says or as soon after them as the machine can. */
  async play(): Promise<void> {
    for (const [second, action] of this.script.steps) {
      await delay(Math.max(0, (this.#begin + second) * 1_000 - Date.now()));
      const { from, to } = await this.#perform(action);
      this.#deeds.push({ action, from: from - this.#begin, to: to - this.#begin });
    }
  }

  /** Notes what `wg` told of this interface between two moments. */
  note(peer: WgPeer | undefined, { from, to }: Ran): void {
    const { latestHandshake = 0, rxBytes: rx = 0, txBytes: tx = 0 } = peer ?? {};
    const handshake = latestHandshake === 0 ? 0 : latestHandshake - this.#begin;
    const { sent: pings = 0, received: answers = 0 } = this.#flow ?? {};
    if (from < this.#begin || to > this.end) return;
    const moment = { from: from - this.#begin, to: to - this.#begin };
    this.#samples.push({ ...moment, handshake, rx, tx, pings, answers });
  }

  get #interface() {
    const found = this.#lab.router.interfaces.find(({ name }) => name === this.#name);
    if (found === undefined) throw new Error(`the lab has no interface ${this.#name}`);
    return found;
  }

  async #perform(action: Action): Promise<Pick<Ran, 'from' | 'to'>> {
    const { router } = this.#lab;
    switch (action) {
      case 'connect':
        return await this.#install(this.#allowed, 0);
      case 'connect-25':
        return await this.#install(this.#allowed, 25);
      case 'connect-bare':
        return await this.#install("''", 25);
      case 'connect-passive':
        return await this.#wg([...this.#peer, ...this.#endpoint, 'allowed-ips', this.#allowed]);
      case 'kick':
        return await this.#wg(this.#kick(this.#keepalive));
      case 'knock':
        return await this.#wg([...this.#peer, 'remove', ...this.#installed(this.#allowed, this.#keepalive)]);
      case 'datagram':
        return await this.#shell.run(datagramTo(this.#gateway.inside.v4));
      case 'datagram-silent':
        return await this.#shell.run(datagramTo(this.#nobody));
      case 'gateway-datagram':
        return await this.#atGateway(`bash -c '${datagramTo(this.#interface.address.v4)}'`);
      case 'ping':
        return await timed(async () => {
          this.#flow = await this.#lab.flow(this.#gateway, 200);
        });
      case 'kill':
        return await timed(() => this.#gateway.kill());
      case 'restart':
        return await timed(() => this.#gateway.restart());
      case 'forget':
        return await this.#wgOfGateway(['remove']);
      case 'gateway-initiates': {
        const { listenPort } = await router.wg(this.#name);
        return await this.#wgOfGateway([
          ...[
            'endpoint',
            `${router.address.v4}:${listenPort}`,
            'persistent-keepalive',
            String(KICK_INTERVAL),
          ],
          ...['peer', this.#interface.keys.publicKey, 'persistent-keepalive', '0'],
        ]);
      }
      case 'refuse':
        return await timed(() => router.refuse(`${this.#gateway.address.v4}/32`));
    }
  }

  get #allowed(): string {
    return `${this.#gateway.inside.v4}/32,${this.#nobody}/32`;
  }

  get #peer(): string[] {
    return ['peer', this.#gateway.publicKey];
  }

  get #endpoint(): string[] {
    return ['endpoint', this.#gateway.endpoint];
  }

  async #install(allowed: string, keepalive: number): Promise<Ran> {
    this.#keepalive = keepalive;
    return await this.#wg(this.#installed(allowed, keepalive));
  }

  /** As the daemon installs a peer: a keepalive from 0 to something starts the handshake. */
  #installed(allowed: string, keepalive: number): string[] {
    return [...this.#peer, ...this.#endpoint, 'allowed-ips', allowed, ...this.#kick(keepalive)];
  }

  #kick(keepalive: number): string[] {
    return [0, keepalive || KICK_INTERVAL, keepalive].flatMap((seconds) => [
      ...this.#peer,
      ...['persistent-keepalive', String(seconds)],
    ]);
  }

  async #wg(args: readonly string[]): Promise<Ran> {
    return await this.#shell.run(`wg set ${this.#name} ${args.join(' ')}`);
  }

  /** Changes the router's interface as a peer of the gateway. */
  async #wgOfGateway(args: readonly string[]): Promise<Ran> {
    return await this.#atGateway(`wg set wg0 peer ${this.#interface.keys.publicKey} ${args.join(' ')}`);
  }

  async #atGateway(command: string): Promise<Ran> {
    return await this.#shell.run(`ip netns exec ${this.#gateway.namespace} ${command}`);
  }
}

export function interfaceName(index: number): string {
  return `s${index}`;
}

/** For bash, which needs no other program for it. */
function datagramTo(address: string): string {
  return `printf ${'x'.repeat(DATAGRAM)} > /dev/udp/${address}/${PORT}`;
}

async function timed(work: () => Promise<void>): Promise<Pick<Ran, 'from' | 'to'>> {
  const from = Date.now() / 1_000;
  await work();
  return { from, to: Date.now() / 1_000 };
}
