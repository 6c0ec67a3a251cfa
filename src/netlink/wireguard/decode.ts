import { decodePrefix } from '../address.js';
import type { AttributeReader } from '../attribute-reader.js';
import { NetlinkDecodeError } from '../errors.js';
import { genericReader } from '../generic.js';
import type { NetlinkMessage } from '../message.js';
import * as wg from './constants.js';
import { decodeTime, TIMESPEC } from './counters.js';
import { encodePublicKey, isZeroKey, KEY_LENGTH, SecretKey } from './keys.js';
import { decodeSockaddr } from './sockaddr.js';
import type { Endpoint, WireGuardDevice, WireGuardPeer } from './types.js';

/** The types of wireguard-types.ts while they are being filled. */
type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Device = Mutable<WireGuardDevice>;
type Peer = Mutable<WireGuardPeer>;

/**
 * Puts a device together from the messages of one WG_CMD_GET_DEVICE dump.
 *
 * The first message has the device's own attributes. A peer whose allowed IPs do not fit goes on in the next message,
 * which begins with its public key again: peers are merged by it.
 *
 * @throws {NetlinkDecodeError}
 */
export function decodeDevice(messages: Iterable<NetlinkMessage>): WireGuardDevice {
  const device: Device = { index: 0, name: '', listenPort: 0, fwmark: 0, peers: [] };
  const peers = new Map<string, Peer>();
  for (const message of messages) {
    const reader = genericReader(message);
    while (reader.next()) readDevice(reader, device, peers);
    reader.end();
  }
  if (device.index === 0) throw new NetlinkDecodeError('a WireGuard device without an interface index');
  device.peers = [...peers.values()];
  return device;
}

function readDevice(reader: AttributeReader, device: Device, peers: Map<string, Peer>): void {
  switch (reader.type) {
    case wg.WGDEVICE_A_IFINDEX:
      device.index = reader.u32();
      break;
    case wg.WGDEVICE_A_IFNAME:
      device.name = reader.string();
      break;
    case wg.WGDEVICE_A_PRIVATE_KEY: {
      const key = readSecret(reader);
      if (key !== undefined) device.privateKey = key;
      break;
    }
    case wg.WGDEVICE_A_PUBLIC_KEY:
      device.publicKey = encodePublicKey(readKey(reader));
      break;
    case wg.WGDEVICE_A_LISTEN_PORT:
      device.listenPort = reader.u16();
      break;
    case wg.WGDEVICE_A_FWMARK:
      device.fwmark = reader.u32();
      break;
    case wg.WGDEVICE_A_PEERS: {
      const list = reader.nested();
      while (list.next()) readPeer(list.nested(), peers);
    }
  }
}

function readPeer(reader: AttributeReader, peers: Map<string, Peer>): void {
  let peer = newPeer('');
  while (reader.next()) {
    switch (reader.type) {
      case wg.WGPEER_A_PUBLIC_KEY: {
        // It comes first in every message, so that nothing read before it is lost here.
        const publicKey = encodePublicKey(readKey(reader));
        peer = peers.get(publicKey) ?? newPeer(publicKey);
        peers.set(publicKey, peer);
        break;
      }
      case wg.WGPEER_A_PRESHARED_KEY: {
        const key = readSecret(reader);
        if (key !== undefined) peer.presharedKey = key;
        break;
      }
      case wg.WGPEER_A_ENDPOINT: {
        const endpoint = readEndpoint(reader);
        if (endpoint !== undefined) peer.endpoint = endpoint;
        break;
      }
      case wg.WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL:
        peer.persistentKeepalive = reader.u16();
        break;
      case wg.WGPEER_A_LAST_HANDSHAKE_TIME:
        peer.lastHandshake = readTime(reader);
        break;
      case wg.WGPEER_A_RX_BYTES:
        peer.rxBytes = reader.u64();
        break;
      case wg.WGPEER_A_TX_BYTES:
        peer.txBytes = reader.u64();
        break;
      case wg.WGPEER_A_PROTOCOL_VERSION:
        peer.protocolVersion = reader.u32();
        break;
      case wg.WGPEER_A_ALLOWEDIPS: {
        const list = reader.nested();
        while (list.next()) peer.allowedIps.push(readAllowedIp(list.nested()));
      }
    }
  }
  if (peer.publicKey === '') reader.fail('a peer without a public key');
}

function newPeer(publicKey: string): Peer {
  return {
    publicKey,
    persistentKeepalive: 0,
    lastHandshake: 0,
    rxBytes: 0n,
    txBytes: 0n,
    allowedIps: [],
    protocolVersion: 1,
  };
}

function readAllowedIp(reader: AttributeReader): string {
  let address: Uint8Array = new Uint8Array(0);
  let length = 0;
  while (reader.next()) {
    // The family attribute says nothing that the length of the address does not.
    if (reader.type === wg.WGALLOWEDIP_A_IPADDR) address = reader.bytes();
    else if (reader.type === wg.WGALLOWEDIP_A_CIDR_MASK) length = reader.u8();
  }
  const prefix = decodePrefix(address, length);
  if (prefix === undefined) reader.fail('an allowed IP without a valid address');
  return prefix ?? '';
}

function readKey(reader: AttributeReader): Uint8Array {
  const bytes = reader.bytes();
  if (bytes.length === KEY_LENGTH) return bytes;
  reader.fail(`a key of ${bytes.length} bytes`);
  return new Uint8Array(KEY_LENGTH);
}

function readSecret(reader: AttributeReader): SecretKey | undefined {
  const bytes = readKey(reader);
  return isZeroKey(bytes) ? undefined : SecretKey.fromBytes(bytes);
}

function readEndpoint(reader: AttributeReader): Endpoint | undefined {
  try {
    return decodeSockaddr(reader.bytes());
  } catch (error) {
    reader.fail(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

function readTime(reader: AttributeReader): number {
  const bytes = reader.bytes();
  if (bytes.length !== TIMESPEC) {
    reader.fail(`a time of ${bytes.length} bytes`);
    return 0;
  }
  return decodeTime(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
}
