/** The router: the host on which the daemon runs, with the WireGuard interfaces that it is to serve. */
import { type AddressPair, inside, routerAddress, underlayInterface, wireguardPort } from './addresses.js';
import { attempt, exec } from './exec.js';
import type { Gateway } from './gateway.js';
import { Host, type Surroundings } from './host.js';
import { parseRoutes, parseWgDump, type Route, type WgDevice } from './kernel-view.js';
import { type KeyPair, keyPair } from './keys.js';

/** A WireGuard interface of the router; it need not exist in the kernel at this moment. */
export interface RouterInterface {
  readonly name: string;
  readonly keys: KeyPair;
  /** Inside the tunnel. */
  readonly address: AddressPair;
}

/** The host under test. Methods about an interface mean `vpn` unless another is named. */
export class Router extends Host {
  readonly interfaces: readonly RouterInterface[];

  constructor(lab: Surroundings, interfaceNames: readonly string[]) {
    super(lab, 'router', 1);
    this.interfaces = interfaceNames.map((name, at) => ({
      name,
      keys: keyPair(),
      address: routerAddress(at + 1),
    }));
  }

  override commandsAtHost(): string[] {
    const interfaces = this.interfaces.flatMap((each) => [
      ...commandsOfInterface(each),
      `link set ${each.name} up`,
    ]);
    return [...super.commandsAtHost(), ...interfaces];
  }

  override async finish(): Promise<void> {
    for (const { name, keys } of this.interfaces) {
      await this.wgSet(name, ['private-key', 'SECRET'], keys.privateKey);
    }
  }

  /** Makes a WireGuard interface with its key and addresses, without peers, and takes it up. */
  async createInterface(name = 'vpn'): Promise<void> {
    const { keys } = this.#interface(name);
    await this.ip(...commandsOfInterface(this.#interface(name)));
    await this.wgSet(name, ['private-key', 'SECRET'], keys.privateKey);
    await this.ip(`link set ${name} up`);
  }

  /** Deletes a WireGuard interface, and with it peers and routes. */
  async deleteInterface(name = 'vpn'): Promise<void> {
    await this.ip(`link delete ${name}`);
  }

  /** Takes an interface down: the kernel flushes its routes, and IPv6 addresses with them. */
  async linkDown(name = 'vpn'): Promise<void> {
    await this.ip(`link set ${name} down`);
  }

  /** Takes an interface up, and gives it back the IPv6 address that the kernel took, as netifd would. */
  async linkUp(name = 'vpn'): Promise<void> {
    const { address } = this.#interface(name);
    await this.ip(`link set ${name} up`, `address replace ${address.v6}/128 dev ${name} nodad`);
  }

  /** Installs a gateway as a peer, with `wg` and `ip`, as a person would without the daemon. */
  async connectByHand(gateway: Gateway, name = 'vpn'): Promise<void> {
    const peer = ['peer', gateway.publicKey, 'endpoint', `${gateway.address.v4}:${wireguardPort}`];
    await this.wgSet(name, [...peer, 'allowed-ips', `${inside.v4},${inside.v6}`]);
    await this.ip(`route replace ${inside.v4} dev ${name}`, `route replace ${inside.v6} dev ${name}`);
  }

  /** Makes the kernel refuse to send to a prefix, at once: EINVAL for a black hole, else EHOSTUNREACH. */
  async refuse(prefix: string, how: 'blackhole' | 'unreachable' = 'unreachable'): Promise<void> {
    await this.ip(`route add ${how} ${prefix}`);
  }

  /** Undoes {@link refuse}. */
  async allow(prefix: string, how: 'blackhole' | 'unreachable' = 'unreachable'): Promise<void> {
    await this.ip(`route delete ${how} ${prefix}`);
  }

  /** Takes all IPv6 from the underlay interface, as on a node whose provider has none. */
  async loseIpv6(): Promise<void> {
    await exec(['ip', '-n', this.namespace, '-6', 'address', 'flush', 'dev', underlayInterface]);
  }

  /**
   * Sends one echo request.
   *
   * @returns whether an answer came within the deadline (milliseconds)
   */
  async ping(address: string, deadline = 3_000): Promise<boolean> {
    const argv = ['ping', '-n', '-c', '1', '-W', String(deadline / 1000), address];
    return (await attempt(['ip', 'netns', 'exec', this.namespace, ...argv])).code === 0;
  }

  /** A WireGuard interface as `wg` shows it. Throws if it is absent. */
  async wg(name = 'vpn'): Promise<WgDevice> {
    return parseWgDump(await this.exec(['wg', 'show', name, 'dump']));
  }

  /** The routes of both families, of all tables but the kernel's own table of local addresses (255). */
  async routes(filter: { readonly dev?: string } = {}): Promise<Route[]> {
    const show = (family: 4 | 6) =>
      exec(['ip', '-N', '-j', `-${family}`, '-n', this.namespace, 'route', 'show', 'table', 'all']);
    const [v4, v6] = await Promise.all([show(4), show(6)]);
    return [...parseRoutes(4, v4), ...parseRoutes(6, v6)].filter(
      (route) => route.table !== 255 && (filter.dev === undefined || route.dev === filter.dev),
    );
  }

  #interface(name: string): RouterInterface {
    const found = this.interfaces.find((candidate) => candidate.name === name);
    if (found === undefined) throw new Error(`the lab was not created with an interface ${name}`);
    return found;
  }
}

function commandsOfInterface({ name, address }: RouterInterface): string[] {
  return [
    `link add ${name} type wireguard`,
    `address add ${address.v4}/32 dev ${name}`,
    `address add ${address.v6}/128 dev ${name} nodad`,
  ];
}
