/** What a process reads and writes of a machine's WireGuard interface, by the rules of wg_set_device and wg_get_device. */

import {
  SecretKey,
  type WireGuardDevice,
  type WireGuardPeer,
  type WireGuardPeerConfig,
} from '../../../src/netlink/index.js';
import { parseEndpoint } from '../node.js';
import type { Interface } from '../wireguard/interface.js';
import type { SimulatedPeer } from '../wireguard/peer.js';
import type { Device } from './machine.js';

/** One peer of a request, as set_peer() of the kernel does it. */
export function setPeer(owner: Interface, wanted: WireGuardPeerConfig): void {
  const { publicKey, presharedKey, endpoint, allowedIps, persistentKeepalive } = wanted;
  if (wanted.remove) owner.remove(publicKey);
  if (wanted.remove) return;
  const known = owner.peers.get(publicKey);
  const peer = known ?? (wanted.updateOnly ? undefined : owner.add(publicKey));
  if (peer === undefined) return; // quietly
  if (presharedKey !== undefined) peer.presharedKey = presharedKey?.revealBase64();
  if (endpoint !== undefined) peer.endpoint = `${endpoint.address}:${endpoint.port}`;
  if (wanted.replaceAllowedIps) peer.allowedIps = [];
  if (allowedIps !== undefined) allow(owner, peer, allowedIps);
  if (persistentKeepalive !== undefined) peer.keepalive = persistentKeepalive;
  peer.sendStaged();
}

/** An allowed IP is one peer's at most: who gets it takes it from the other. */
function allow(owner: Interface, peer: SimulatedPeer, prefixes: readonly string[]): void {
  for (const other of owner.peers.values()) {
    if (other === peer || !other.allowedIps.some((prefix) => prefixes.includes(prefix))) continue;
    other.allowedIps = other.allowedIps.filter((prefix) => !prefixes.includes(prefix));
  }
  peer.allowedIps = [...new Set([...peer.allowedIps, ...prefixes])];
}

/** The device as GET_DEVICE tells it. */
export function describe(device: Device, owner: Interface): WireGuardDevice {
  const peers = [...owner.peers.values()].map((peer): WireGuardPeer => {
    const { publicKey, presharedKey, endpoint, keepalive, lastHandshake, allowedIps } = peer;
    return {
      publicKey,
      ...(presharedKey === undefined ? {} : { presharedKey: SecretKey.fromBase64(presharedKey) }),
      ...(endpoint === undefined ? {} : { endpoint: parseEndpoint(endpoint) }),
      ...{ persistentKeepalive: keepalive, lastHandshake, allowedIps: [...allowedIps], protocolVersion: 1 },
      ...{ rxBytes: BigInt(peer.rxBytes), txBytes: BigInt(peer.txBytes) },
    };
  });
  const { index, name, fwmark } = device;
  return { index, name, publicKey: owner.publicKey, listenPort: 51820, fwmark, peers };
}

/**
 * The device as it is now if nothing but counters is other than before: then its allowed IPs are the very same objects, as with the
 * question that is repeated in C.
 */
export function onlyCountersDiffer(
  before: WireGuardDevice,
  now: WireGuardDevice,
): WireGuardDevice | undefined {
  const same =
    before.index === now.index &&
    before.name === now.name &&
    before.fwmark === now.fwmark &&
    before.peers.length === now.peers.length &&
    now.peers.every((peer, at) => samePeer(peer, before.peers[at]));
  if (!same) return undefined;
  const peers = now.peers.map((peer, at) => {
    const { allowedIps } = before.peers[at] ?? peer;
    return { ...peer, allowedIps };
  });
  return { ...before, peers };
}

function samePeer(one: WireGuardPeer, other: WireGuardPeer | undefined): boolean {
  return (
    one.publicKey === other?.publicKey &&
    one.presharedKey?.revealBase64() === other.presharedKey?.revealBase64() &&
    one.endpoint?.address === other.endpoint?.address &&
    one.endpoint?.port === other.endpoint?.port &&
    one.persistentKeepalive === other.persistentKeepalive &&
    one.allowedIps.join() === other.allowedIps.join()
  );
}
