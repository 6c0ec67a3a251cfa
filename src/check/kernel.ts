import type { Config, EndpointConfig, PeerConfig, Problem } from '../config/index.js';
import { SystemResolver } from '../names/system-resolver.js';
import {
  NetlinkError,
  NetlinkUnavailableError,
  ROUTE_TABLE_MAIN,
  Rtnetlink,
  WireGuard,
  type WireGuardDevice,
} from '../netlink/index.js';
import { messageOf } from '../wording.js';
import { checkCreation } from './creation.js';
import { type Concern, checkBeside, checkFullTunnel, readReversePathFilters } from './full-tunnel.js';
import { findLoop, findShadowed } from './loop.js';

/** How long each name has to resolve, in milliseconds. */
const RESOLVE_TIMEOUT = 4_000;

/** What the check reads of this machine. */
export interface KernelView {
  /** The kernel's WireGuard, or the error that says why there is none to be had. */
  readonly wireguard: Pick<WireGuard, 'device'> | NetlinkError | NetlinkUnavailableError;
  readonly rtnetlink: Pick<Rtnetlink, 'link' | 'routes'>;
  /** net.ipv4.conf.*.rp_filter, by the name of the interface, `all` among them. */
  reversePathFilters(): ReadonlyMap<string, number>;
  /** Addresses of a host name. @throws an error that says why it has none */
  resolve(name: string): Promise<readonly string[]>;
  close(): void;
}

/** Looks at the kernel that we run on. */
export async function openKernelView(): Promise<KernelView> {
  const rtnetlink = Rtnetlink.open();
  const resolver = new SystemResolver();
  const wireguard = await WireGuard.open().catch((error: unknown) => {
    if (error instanceof NetlinkError || error instanceof NetlinkUnavailableError) return error;
    throw error;
  });
  return {
    wireguard,
    rtnetlink,
    reversePathFilters: readReversePathFilters,
    resolve: (name) => resolver.addresses(name, RESOLVE_TIMEOUT),
    close() {
      resolver.close();
      rtnetlink.close();
      if (!(wireguard instanceof Error)) wireguard.close();
    },
  };
}

/**
 * What stands between a configuration and this machine's kernel.
 *
 * A finding about an interface points to the first peer that wants it.
 *
 * @param names interfaces that have usable peers
 */
export async function checkKernel(
  config: Config,
  names: readonly string[],
  view: KernelView,
): Promise<Problem[]> {
  const findings: Problem[] = [];
  const { wireguard } = view;
  if (wireguard instanceof Error) {
    const [first] = names.flatMap((name) => config.peers(name));
    const finding = first && atPeer(config, first, undefined, noWireGuard(wireguard));
    return finding === undefined ? [] : [{ ...finding, ifname: undefined }];
  }
  const marks = new Map<string, number>();
  for (const name of names) {
    const peers = config.peers(name);
    const [first] = peers;
    if (first === undefined) continue;
    const tell = (severity: Problem['severity'], message: string): void => {
      findings.push(atPeer(config, first, 'ifname', message, severity));
    };
    const link = await view.rtnetlink.link(name);
    const { creation } = config.interface(name);
    if (creation !== undefined) findings.push(...told(config, name, checkCreation(creation, link)));
    const mayLoop = async (fwmark: number, index: number | undefined): Promise<void> => {
      if (config.interface(name).fullTunnel) marks.set(name, fwmark);
      // With a mark, WireGuard's own packets can be led around the tunnel by a rule; whether one does is not looked into.
      if (fwmark === 0) findings.push(...(await checkLoops(config, name, index, peers, view)));
    };
    if (link === undefined && creation !== undefined) await mayLoop(creation.fwmark ?? 0, undefined);
    else if (link === undefined) {
      tell(
        'error',
        `there is no interface ${name} now: expected one of proto wireguard in /etc/config/network, or option create '1', or ip link add ${name} type wireguard`,
      );
    } else if (link.kind !== 'wireguard') {
      tell('error', `${name} is there, but it is not a WireGuard interface`);
    } else {
      if (!link.up) tell('warning', `${name} is down: no peer is tried before it is up`);
      const device = await readDevice(wireguard, name);
      if (typeof device === 'string') {
        tell('warning', device);
        continue;
      }
      const own = peers.find(({ publicKey }) => publicKey === device.publicKey);
      if (own !== undefined) findings.push(atPeer(config, own, 'public_key', ownKey(name)));
      await mayLoop(device.fwmark, link.index);
    }
  }
  for (const name of marks.keys()) {
    const concerns = checkFullTunnel(config, name, view.reversePathFilters());
    findings.push(...told(config, name, [...concerns, ...checkBeside(config, name, marks)]));
  }
  return findings;
}

/** Of an interface: at the first peer that wants it. */
function told(config: Config, name: string, concerns: readonly Concern[]): Problem[] {
  const [first] = config.peers(name);
  if (first === undefined) return [];
  return concerns.map(({ severity, message }) => atPeer(config, first, 'ifname', message, severity));
}

function noWireGuard(error: NetlinkError | NetlinkUnavailableError): string {
  if (error instanceof NetlinkUnavailableError) return error.message;
  if (error.code !== 'ENOENT') return `this kernel cannot be asked for WireGuard: ${error.message}`;
  return `this kernel has no WireGuard (${error.message}): load the module wireguard, or install it (OpenWrt: kmod-wireguard)`;
}

function ownKey(name: string): string {
  return `is the public key of ${name} itself, so the kernel takes no notice of this peer: expected the key of the gateway`;
}

/** The interface's WireGuard; or why it cannot be known. */
async function readDevice(
  wireguard: Pick<WireGuard, 'device'>,
  name: string,
): Promise<WireGuardDevice | string> {
  try {
    return await wireguard.device(name);
  } catch (error) {
    if (!(error instanceof NetlinkError)) throw error;
    if (error.code !== 'EPERM') return `${name} cannot be read: ${error.message}`;
    return `${name} could not be looked into (${error.message}): run the check as root, or with CAP_NET_ADMIN`;
  }
}

/**
 * Peers whose own packets would go into the tunnel that they carry, as soon as the routes are in.
 * @param interfaceIndex undefined for an interface that is still to be made
 */
async function checkLoops(
  config: Config,
  name: string,
  interfaceIndex: number | undefined,
  peers: readonly PeerConfig[],
  view: KernelView,
): Promise<Problem[]> {
  const { routeTable, routeMetric } = config.interface(name);
  const findings: Problem[] = [];
  const routes = (await view.rtnetlink.routes({ table: ROUTE_TABLE_MAIN })).filter(
    (route) => interfaceIndex === undefined || route.interfaceIndex !== interfaceIndex,
  );
  const resolved = await Promise.all(
    peers.map(async ({ endpoints }) => await Promise.all(endpoints.map((one) => addressesOf(one, view)))),
  );
  for (const [i, peer] of peers.entries()) {
    const addresses = resolved[i] ?? [];
    for (const failure of addresses) {
      if (typeof failure === 'string') findings.push(atPeer(config, peer, 'endpoint', failure, 'warning'));
    }
    // In a table of their own the routes count by rules, which are not looked into.
    if (routeTable !== undefined && routeTable !== ROUTE_TABLE_MAIN) continue;
    let loops = false;
    for (const address of addresses.flatMap((found) => (typeof found === 'string' ? [] : found))) {
      const loop = findLoop(address, peer.allowedIps, routeMetric, routes);
      if (loop === undefined) continue;
      const message = `${loop} takes the way to the endpoint's own address ${address} into the tunnel: expected option full_tunnel '1' for ${name}, or option fwmark for ${name} in /etc/config/network with a rule for that mark, or allowed IPs without it`;
      findings.push(atPeer(config, peer, 'allowed_ips', message));
      loops = true;
      break;
    }
    const shadowed = loops ? undefined : findShadowed(peer.allowedIps, routeMetric, routes);
    if (shadowed !== undefined) {
      const message = `${shadowed} carries nothing beside the default route that the main table has: expected option full_tunnel '1' for ${name}, or allowed IPs without it`;
      findings.push(atPeer(config, peer, 'allowed_ips', message, 'warning'));
    }
  }
  return findings;
}

/** The addresses of an endpoint, or why it has none. */
async function addressesOf(endpoint: EndpointConfig, view: KernelView): Promise<readonly string[] | string> {
  if (endpoint.kind !== 'name') return [endpoint.host];
  return await view.resolve(endpoint.host).catch(messageOf);
}

function atPeer(
  { file }: Config,
  { name, line, ifname }: PeerConfig,
  option: string | undefined,
  message: string,
  severity: Problem['severity'] = 'error',
): Problem {
  return { severity, file, line, section: `peer '${name}'`, option, ifname, message };
}
