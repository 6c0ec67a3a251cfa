import type { Table, Ubus } from '../../src/ubus/index.js';
import { UbusError } from '../../src/ubus/index.js';

/**
 * Stands in for netifd, as far as an interface of a protocol of ours is concerned: what `notify_proto` of `network.interface` does in its
 * proto-ext.c and interface.c, and the calls of /etc/hotplug.d/iface that follow from that in interface-event.c. (The real one leaves out what
 * is over before its turn comes, as these scripts run one after another.) Tried beside the real one; docs/openwrt.md tells how.
 */
export class FakeNetifd {
  /** What scripts in /etc/hotplug.d/iface would be called with, and the data that they would find: `ifup {"peer":"gw1"}`, `ifdown {}`. */
  readonly hotplug: string[] = [];
  /** Every call that was understood. */
  readonly calls: Table[] = [];
  /** The error that calls meet, instead of being understood. */
  refusal: UbusError | undefined;
  readonly #name: string;
  #up = false;
  readonly #data = new Map<string, unknown>();

  /** @param name of the interface, whose setup has started the daemon, and told nothing of the link */
  constructor(name: string) {
    this.#name = name;
  }

  async publish(bus: Ubus): Promise<void> {
    await bus.publish('network.interface', {
      notify_proto: { call: (_, { args }) => this.#notify(args) },
    });
  }

  #notify(args: Table): void {
    if (this.refusal !== undefined) throw this.refusal;
    if (args.interface !== this.#name) throw new UbusError('NOT_FOUND', 'there is no such interface');
    const { action, data = {}, 'link-up': up } = args;
    if (action !== 0 || typeof up !== 'boolean') throw new UbusError('INVALID_ARGUMENT', 'no update');
    this.calls.push(args);
    if (up) this.#linkUp(data as Table);
    else this.#linkLost();
  }

  #linkUp(data: Table): void {
    const changed = Object.entries(data).filter(([name, value]) => this.#data.get(name) !== value);
    for (const [name, value] of changed) this.#data.set(name, value);
    if (!this.#up) this.#call('ifup');
    else if (changed.length > 0) this.#call('ifupdate');
    this.#up = true;
  }

  #linkLost(): void {
    if (!this.#up) return;
    this.#up = false;
    this.#data.clear();
    this.#call('ifdown');
  }

  #call(action: string): void {
    this.hotplug.push(`${action} ${JSON.stringify(Object.fromEntries(this.#data))}`);
  }
}
