import type { SecretKey } from './keys.js';

/** Where a peer is reached. */
export interface Endpoint {
  /** An IP address without zone; IPv6 as RFC 5952 has it when it comes from the kernel. */
  readonly address: string;
  /** UDP port, 1 to 65535. */
  readonly port: number;
  /** Index of the interface, for a link-local IPv6 address. */
  readonly scopeId?: number;
}

/** A peer of a device as the kernel reports it. */
export interface WireGuardPeer {
  /** Base64. */
  readonly publicKey: string;
  readonly presharedKey?: SecretKey;
  /** Absent until it is configured or the peer has sent something. */
  readonly endpoint?: Endpoint;
  /** Seconds; 0: off. */
  readonly persistentKeepalive: number;
  /**
   * When the last handshake was completed: milliseconds since 1970 on the wall clock (CLOCK_REALTIME) of that moment,
   * fractions included; 0 for none. A double keeps it to a quarter of a microsecond, and the kernel makes no two
   * handshakes within 20 ms, so that an equal number means the same handshake.
   */
  readonly lastHandshake: number;
  readonly rxBytes: bigint;
  readonly txBytes: bigint;
  /** `address/length`, canonical, in the kernel's order, which says nothing. */
  readonly allowedIps: string[];
  /** 1, the only one there is. */
  readonly protocolVersion: number;
}

/** A WireGuard device as the kernel reports it. */
export interface WireGuardDevice {
  readonly index: number;
  readonly name: string;
  readonly privateKey?: SecretKey;
  /** Base64; absent without a private key. */
  readonly publicKey?: string;
  /** UDP port; 0 while the device is down and none was configured. */
  readonly listenPort: number;
  /** Mark of the packets that carry the tunnel; 0: none. */
  readonly fwmark: number;
  readonly peers: WireGuardPeer[];
}

/** What is to change at a peer. What is left out stays as it is. */
export interface WireGuardPeerConfig {
  /** Base64. A peer that does not exist yet is made. */
  publicKey: string;
  /** Remove the peer, whatever else is said. One that does not exist is no error. */
  remove?: true;
  /** Change the peer if it exists; do not make it. */
  updateOnly?: true;
  /** The given allowed IPs replace those there are, instead of joining them. */
  replaceAllowedIps?: true;
  /** null: none any more. */
  presharedKey?: SecretKey | null;
  endpoint?: Endpoint;
  /** Seconds, 0 to 65535; 0: off. Raised from 0 on a device that is up, it sends a packet at once. */
  persistentKeepalive?: number;
  /** `address/length`, or an address alone; host bits are masked. One that another peer has moves to this one. */
  allowedIps?: readonly string[];
}

/** What is to change at a device. What is left out stays as it is. */
export interface WireGuardConfig {
  /**
   * null: none any more. The kernel clamps five of its bits (RFC 7748, section 5), so that one which was not made by
   * `wg genkey` or the like reads back differently. A peer with the public key that belongs to it is removed by the kernel.
   */
  privateKey?: SecretKey | null;
  /** UDP port, 0 to 65535; 0: any free one. EADDRINUSE when another socket has it and the device is up. */
  listenPort?: number;
  /** 0 to 4294967295; 0: none. */
  fwmark?: number;
  /** The given peers replace those there are, instead of joining them. */
  replacePeers?: true;
  peers?: readonly WireGuardPeerConfig[];
}
