/** The netlink of a simulated machine as one process has it: each request passes the gate, and events come when they come. */

import type { Netlink } from '../../../src/daemon/kernel.js';
import type {
  LookupOptions,
  MonitorHandlers,
  Route,
  RouteFilter,
  RouteSpec,
  Rtnetlink,
  RtnetlinkMonitor,
  Rule,
  RuleSpec,
  WireGuard,
  WireGuardConfig,
  WireGuardDevice,
  WireGuardPeerConfig,
} from '../../../src/netlink/index.js';
import { RTN_UNREACHABLE } from '../../../src/netlink/index.js';
import type { Family, Timers } from '../../../src/selector/world.js';
import { type Gate, refusal } from './gate.js';
import type { Device, Machine } from './machine.js';
import type { Place } from './places.js';
import { describe, onlyCountersDiffer, setPeer } from './wireguard-view.js';

/** @param listen makes the handlers hear of events, until the function that it gives is called */
export function netlinkOf(
  machine: Machine,
  gate: Gate,
  listen: (handlers: MonitorHandlers) => () => void,
  timers: Timers,
): Netlink {
  // The classes have private parts: what the daemon uses of them is here.
  return {
    wireguard: async () => new WireGuardView(machine, gate) as unknown as WireGuard,
    rtnetlink: () => new RtnetlinkView(machine, gate) as unknown as Rtnetlink,
    monitor: (handlers) => ({ close: listen(handlers) }) as unknown as RtnetlinkMonitor,
    after: (milliseconds, callback) => timers.after(milliseconds, callback),
  };
}

/** A question that is asked again and again, as src/netlink/repeated.ts does: the answer of before at once where it is the same. */
class RepeatedView<T> {
  readonly #gate: Gate;
  readonly #place: Place;
  readonly #what: string;
  readonly #read: () => T;
  readonly #same: (before: T, now: T) => T | undefined;
  #before: T | undefined;

  /** @param same the answer of before, brought up to date, if nothing but that is other */
  constructor(
    gate: Gate,
    place: Place,
    what: string,
    read: () => T,
    same: (before: T, now: T) => T | undefined,
  ) {
    this.#gate = gate;
    this.#place = place;
    this.#what = what;
    this.#read = read;
    this.#same = same;
  }

  again(): T | undefined {
    if (this.#before === undefined) return undefined;
    if (!this.#gate.isMet(this.#place)) this.#before = this.#compare(this.#before);
    else this.#before = undefined;
    return this.#before;
  }

  async ask(): Promise<T> {
    return this.again() ?? (await this.#ask());
  }

  async #ask(): Promise<T> {
    this.#before = undefined;
    const answer = await this.#gate.pass(this.#place, this.#what, this.#read);
    this.#before = answer;
    return answer;
  }

  #compare(before: T): T | undefined {
    try {
      return this.#same(before, this.#read());
    } catch {
      return undefined;
    }
  }
}

class WireGuardView {
  readonly #machine: Machine;
  readonly #gate: Gate;

  constructor(machine: Machine, gate: Gate) {
    this.#machine = machine;
    this.#gate = gate;
  }

  repeatedDevice(name: string): RepeatedView<WireGuardDevice> {
    const what = `get WireGuard device ${name}`;
    const read = (): WireGuardDevice => {
      const device = this.#device(name, what);
      return describe(device, owner(device, what));
    };
    return new RepeatedView(this.#gate, 'read device', what, read, onlyCountersDiffer);
  }

  configure(name: string, { peers = [], fwmark }: WireGuardConfig): Promise<void> {
    const what = `configure WireGuard device ${name}`;
    if (fwmark !== undefined) {
      return this.#gate.pass('mark', what, () => {
        this.#device(name, what).fwmark = fwmark;
      });
    }
    const perform = (wanted: readonly WireGuardPeerConfig[]): void => {
      const wireguard = owner(this.#device(name, what), what);
      for (const peer of wanted) setPeer(wireguard, peer);
    };
    const half = (): void => perform(peers.slice(0, 1));
    return this.#gate.pass(placeOf(peers), what, () => perform(peers), half);
  }

  close(): void {}

  #device(name: string, what: string): Device {
    const device = this.#machine.device(name);
    if (device === undefined) throw refusal('ENODEV', what);
    return device;
  }
}

function owner({ wireguard }: Device, what: string) {
  if (wireguard === undefined) throw refusal('EOPNOTSUPP', what);
  return wireguard;
}

/** What the daemon does with such a request. */
function placeOf([first, ...more]: readonly WireGuardPeerConfig[]): Place {
  if (first?.remove) return more.length > 0 ? 'knock' : 'remove peer';
  if (first?.updateOnly) return first.allowedIps === undefined ? 'kick' : 'adjust';
  return first?.allowedIps?.length === 0 ? 'install beside' : 'install';
}

class RtnetlinkView {
  readonly #machine: Machine;
  readonly #gate: Gate;

  constructor(machine: Machine, gate: Gate) {
    this.#machine = machine;
    this.#gate = gate;
  }

  link(of: string | number) {
    return this.#gate.pass('read link', `get link ${of}`, () => {
      const device = this.#machine.device(of);
      return device && this.#machine.link(device);
    });
  }

  addresses({ interfaceIndex }: { interfaceIndex?: number }) {
    return this.#gate.pass('read addresses', 'list addresses', () => this.#machine.addresses(interfaceIndex));
  }

  routes(filter: RouteFilter): Promise<Route[]> {
    return this.#gate.pass('read routes', 'list routes', () => this.#machine.routes.list(filter));
  }

  addRoute(spec: RouteSpec, { append = false }: { append?: boolean } = {}): Promise<void> {
    const what = `add route ${spec.destination}`;
    return this.#gate.pass(spec.type === RTN_UNREACHABLE ? 'block' : 'add route', what, () => {
      if (spec.interfaceIndex !== undefined) {
        const device = this.#machine.device(spec.interfaceIndex);
        if (device === undefined) throw refusal('ENODEV', what);
        if (!device.up) throw refusal('ENETDOWN', what);
      }
      const code = this.#machine.routes.add(spec, append);
      if (code !== undefined) throw refusal(code, what);
    });
  }

  removeRoute(spec: RouteSpec): Promise<void> {
    const what = `remove route ${spec.destination}`;
    return this.#gate.pass(spec.type === RTN_UNREACHABLE ? 'unblock' : 'remove route', what, () => {
      const found = this.#machine.routes.find(spec);
      if (found === undefined) throw refusal('ESRCH', what);
      this.#machine.routes.remove((route) => route === found);
    });
  }

  rules(filter: { family?: Family }): Promise<Rule[]> {
    return this.#gate.pass('read rules', 'list rules', () => this.#machine.rules.list(filter));
  }

  addRule(spec: RuleSpec): Promise<void> {
    const what = `add IPv${spec.family} rule`;
    return this.#gate.pass('add rule', what, () => {
      const code = this.#machine.rules.add(spec);
      if (code !== undefined) throw refusal(code, what);
    });
  }

  removeRule(spec: RuleSpec): Promise<void> {
    const what = `remove IPv${spec.family} rule`;
    return this.#gate.pass('remove rule', what, () => {
      const code = this.#machine.rules.remove(spec);
      if (code !== undefined) throw refusal(code, what);
    });
  }

  lookup(address: string, options: LookupOptions): Promise<Route> {
    const what = `look up the route to ${address}`;
    return this.#gate.pass('look up way', what, () => {
      const route = this.#lookup(address, options, what);
      return { ...route, destination: `${address}/${route.family === 4 ? 32 : 128}` };
    });
  }

  repeatedLookup(address: string, options: LookupOptions): RepeatedView<Route> {
    const what = `look up the route to ${address}`;
    const read = (): Route => this.#lookup(address, options, what);
    return new RepeatedView(this.#gate, 'confirm route', what, read, (before, now) =>
      before === now ? before : undefined,
    );
  }

  close(): void {}

  #lookup(address: string, options: LookupOptions, what: string): Route {
    const route = this.#machine.routes.lookup(address, options);
    if (route === undefined) throw refusal('ENETUNREACH', what);
    if (route.type === RTN_UNREACHABLE) throw refusal('EHOSTUNREACH', what);
    return route;
  }
}
