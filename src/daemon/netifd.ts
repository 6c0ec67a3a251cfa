import { clearTimeout, setTimeout } from '#platform/timers.js';
import type { JsonTable } from '../json.js';
import type { SelectorEvent, Snapshot } from '../selector/events.js';
import { formatRemote } from '../selector/world.js';
import { messageOf } from '../wording.js';
import type { Log } from './log.js';

/** When netifd is told again what it has not taken, in milliseconds. */
const AGAIN = 1_000;

/** What netifd believes of an interface that is being set up, and whose protocol has told nothing yet. */
const DOWN = JSON.stringify({ 'link-up': false });

/** An interface's service, as far as netifd is told of it. */
export interface Followed {
  readonly name: string;
  readonly selector: { snapshot(): Snapshot };
  onEvent(listener: (event: SelectorEvent) => void): void;
}

/** The way to netifd. */
export interface WayToNetifd {
  /** Whether ubusd is there at this moment. */
  readonly connected: boolean;
  /** Calls back each time that it has come. */
  onConnect(listener: () => void): void;
  /** Calls a method. @throws {UbusError} */
  call(path: string, method: string, args: JsonTable): Promise<unknown>;
}

/**
 * Has netifd's interface of protocol `wgpeerselector` follow the connection, as other protocols do: up with peer and address as its data, down
 * without. Whoever listens to netifd hears of it: scripts in /etc/hotplug.d/iface, the firewall, mwan3.
 *
 * Down is what netifd calls a lost link. It then takes back what it has set up for that interface, which is nothing of ours, and leaves this
 * process and the WireGuard interface alone.
 */
export class Netifd {
  readonly #name: string;
  readonly #service: Followed;
  readonly #way: WayToNetifd;
  readonly #log: Log;
  /** What netifd has been told, as JSON; undefined where it may be the one or the other. */
  #told: string | undefined = DOWN;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #tells = false;
  #complained = false;
  #closed = false;

  /** @param name of netifd's interface, `vpn_peerselector` */
  constructor(name: string, service: Followed, way: WayToNetifd, log: Log) {
    this.#name = name;
    this.#service = service;
    this.#way = way;
    this.#log = log;
    way.onConnect(() => this.#tellIn(0));
    service.onEvent(() => this.#tellIn(0));
  }

  /** Tells nothing more: netifd ends this process, and knows. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Not at once: a peer that takes the place of another is a change, and no loss. */
  #tellIn(milliseconds: number): void {
    if (this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#tell(), milliseconds);
  }

  async #tell(): Promise<void> {
    const state = this.#state;
    const text = JSON.stringify(state);
    if (this.#tells || text === this.#told || !this.#way.connected) return;
    this.#tells = true;
    this.#told = undefined; // an answer that does not come says nothing
    let again = 0; // it may be another by then
    try {
      // With `keep` netifd leaves alone what it has set up, such as name servers of the section.
      await this.#way.call('network.interface', 'notify_proto', {
        ...{ interface: this.#name, action: 0, keep: true },
        ...state,
      });
      this.#told = text;
      this.#complained = false;
    } catch (error) {
      again = AGAIN;
      if (!this.#closed) this.#complain(state['link-up'] ? 'up' : 'down', error);
    }
    this.#tells = false;
    this.#tellIn(again);
  }

  #complain(state: string, error: unknown): void {
    const level = this.#complained ? 'debug' : 'warning';
    this.#complained = true;
    this.#log.write(
      level,
      this.#service.name,
      `netifd does not take it that its interface ${this.#name} is ${state}: ${messageOf(error)}; it is told again until it does`,
    );
  }

  get #state(): { 'link-up': boolean; data?: JsonTable } {
    const { state, peer, remote } = this.#service.selector.snapshot();
    if (state !== 'established' || peer === undefined) return { 'link-up': false };
    const address = remote === undefined ? '' : formatRemote(remote);
    return { 'link-up': true, data: { peer: peer.name, remote_address: address } };
  }
}
