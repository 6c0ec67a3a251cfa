/** A simulated machine: links, addresses, routes, WireGuard's peers, with everything that others may do to them. */

import ipaddr from 'ipaddr.js';
import {
  type InterfaceAddress,
  type Link,
  ROUTE_PROTOCOL,
  type Route,
  RT_SCOPE_UNIVERSE,
  RTN_UNICAST,
  type Rule,
} from '../../../src/netlink/index.js';
import type { Interface } from '../wireguard/interface.js';
import type { SimulatedPeer } from '../wireguard/peer.js';
import { matchLength, RoutingTables } from './routes.js';
import { Rules } from './rules.js';

export const VPN = 'vpn';
/** protocol static (linux/rtnetlink.h): somebody else's. */
const STATIC = 4;
const WAN_GATEWAY = '198.51.100.254';

/** What the kernel tells its listeners. */
export type KernelEvent =
  | { readonly kind: 'link'; readonly change: 'new' | 'gone'; readonly link: Link }
  | { readonly kind: 'address'; readonly change: 'new' | 'gone'; readonly address: InterfaceAddress }
  | {
      readonly kind: 'route';
      readonly change: 'new' | 'gone';
      readonly route: Route;
      readonly replaced: boolean;
    }
  | { readonly kind: 'rule'; readonly change: 'new' | 'gone'; readonly rule: Rule };

/** An interface of the machine. */
export interface Device {
  readonly index: number;
  name: string;
  up: boolean;
  fwmark: number;
  /** Absent where it is not WireGuard's. */
  readonly wireguard: Interface | undefined;
}

export class Machine {
  readonly routes: RoutingTables;
  readonly rules: Rules;
  readonly devices: Device[] = [];
  #addresses: InterfaceAddress[] = [];
  #lastIndex = 1;
  readonly #tell: (event: KernelEvent) => void;
  readonly #wireguard: () => Interface;
  readonly wan: Device;

  /** @param wireguard makes a WireGuard interface with our key */
  constructor(tell: (event: KernelEvent) => void, wireguard: () => Interface) {
    this.#tell = tell;
    this.#wireguard = wireguard;
    this.routes = new RoutingTables((change, route, replaced) =>
      tell({ kind: 'route', change, route, replaced }),
    );
    this.rules = new Rules((change, rule) => tell({ kind: 'rule', change, rule }));
    this.wan = this.create('wan', false);
    this.addAddress(this.wan, '198.51.100.1');
    this.setWayOut(true);
    this.create(VPN, true);
  }

  device(of: string | number): Device | undefined {
    return this.devices.find(({ name, index }) => name === of || index === of);
  }

  /** The device that is served, if it is there. */
  get vpn(): Device | undefined {
    return this.device(VPN);
  }

  /** Makes an interface and switches it on. */
  create(name: string, wireguard: boolean): Device {
    const owner = wireguard ? this.#wireguard() : undefined;
    const device = { index: ++this.#lastIndex, name, up: true, fwmark: 0, wireguard: owner };
    this.devices.push(device);
    this.#tellLink('new', device);
    if (name === VPN) {
      for (const address of ['10.78.0.9', 'fd78::9']) this.addAddress(device, address);
    }
    return device;
  }

  destroy(device: Device): void {
    this.#flush(device);
    device.wireguard?.takeDown();
    this.devices.splice(this.devices.indexOf(device), 1);
    this.removeAddresses(device);
    this.#tellLink('gone', device);
  }

  setUp(device: Device, up: boolean): void {
    if (device.up === up) return;
    device.up = up;
    if (up) device.wireguard?.takeUp();
    else {
      device.wireguard?.takeDown();
      this.#flush(device);
    }
    this.#tellLink('new', device);
  }

  rename(device: Device, name: string): void {
    device.name = name;
    this.#tellLink('new', device);
  }

  addresses(interfaceIndex?: number): InterfaceAddress[] {
    return this.#addresses.filter((one) => (interfaceIndex ?? one.interfaceIndex) === one.interfaceIndex);
  }

  addAddress({ index }: Device, address: string): void {
    const family = address.includes(':') ? 6 : 4;
    if (this.#addresses.some((one) => one.interfaceIndex === index && one.address === address)) return;
    const added: InterfaceAddress = {
      ...{ family, interfaceIndex: index, address, prefixLength: family === 4 ? 24 : 64 },
      ...{ scope: RT_SCOPE_UNIVERSE, flags: 0, tentative: false, deprecated: false, protocol: 0 },
    };
    this.#addresses.push(added);
    this.#tell({ kind: 'address', change: 'new', address: added });
  }

  /** Takes all addresses of an interface away; IPv4 routes through it go with the last, unsaid. */
  removeAddresses(device: Device): void {
    const gone = this.addresses(device.index);
    this.#addresses = this.#addresses.filter((address) => !gone.includes(address));
    this.routes.remove(
      ({ family, interfaceIndex }) => interfaceIndex === device.index && family === 4,
      () => true,
    );
    for (const address of gone) this.#tell({ kind: 'address', change: 'gone', address });
  }

  /** The default route through the uplink. */
  setWayOut(there: boolean): void {
    const spec = { destination: '0.0.0.0/0', gateway: WAN_GATEWAY, protocol: STATIC, metric: 100 };
    if (there) this.routes.add({ ...spec, interfaceIndex: this.wan.index }, false);
    else this.routes.remove(({ destination }) => destination === '0.0.0.0/0');
  }

  /** Somebody else's route, through the uplink, in the place of whatever has its destination. */
  putForeignRoute(destination: string, metric = 0): void {
    this.routes.replace({ destination, metric, interfaceIndex: this.wan.index, protocol: STATIC });
  }

  /** Our routes through the served interface. */
  get ours(): Route[] {
    const { vpn } = this;
    return vpn === undefined ? [] : this.routes.list({ protocol: ROUTE_PROTOCOL, interfaceIndex: vpn.index });
  }

  /** Whatever is in the kernel with our protocol. */
  get allOurs(): Route[] {
    return this.routes.list({ protocol: ROUTE_PROTOCOL });
  }

  /** What is neither ours nor through the served interface. */
  get foreignRoutes(): string[] {
    return this.routes
      .list()
      .filter(({ protocol }) => protocol !== ROUTE_PROTOCOL)
      .map(({ destination, metric, protocol }) => `${destination} metric ${metric} proto ${protocol}`);
  }

  /** Whether WireGuard's packets to the address leave the machine. */
  leaves(address: string): boolean {
    const route = this.routes.lookup(address, {});
    return route?.type === RTN_UNICAST && route.interfaceIndex === this.wan.index && this.wan.up;
  }

  /** The peer that a packet into the tunnel goes to. */
  peerFor(device: Device, target: string): SimulatedPeer | undefined {
    const address = ipaddr.parse(target);
    let best: { peer: SimulatedPeer; length: number } | undefined;
    for (const peer of device.wireguard?.peers.values() ?? []) {
      for (const prefix of peer.allowedIps) {
        const length = matchLength(address, prefix);
        if (length !== undefined && length > (best?.length ?? -1)) best = { peer, length };
      }
    }
    return best?.peer;
  }

  link(device: Device): Link {
    const { index, name, up, wireguard } = device;
    return { index, name, up, kind: wireguard && 'wireguard', flags: up ? 1 : 0, mtu: 1420, group: 0 };
  }

  #tellLink(change: 'new' | 'gone', device: Device): void {
    this.#tell({ kind: 'link', change, link: this.link(device) });
  }

  /** Routes go with their interface, those of IPv4 unsaid. */
  #flush({ index }: Device): void {
    this.routes.remove(
      ({ interfaceIndex }) => interfaceIndex === index,
      ({ family }) => family === 4,
    );
  }
}
