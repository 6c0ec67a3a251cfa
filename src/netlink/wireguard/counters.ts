import type { AttributeReader } from '../attribute-reader.js';
import { LITTLE_ENDIAN } from '../endian.js';
import { genericReader } from '../generic.js';
import type { NetlinkMessage } from '../message.js';
import * as wg from './constants.js';
import { encodePublicKey } from './keys.js';
import type { WireGuardDevice, WireGuardPeer } from './types.js';

/** Bytes of struct __kernel_timespec (linux/time_types.h). */
export const TIMESPEC = 16;
const U64 = 8;

/** What of a peer changes by itself: time of the latest handshake, bytes received, bytes sent. */
type Counters = readonly [lastHandshake: DataView, rxBytes: DataView, txBytes: DataView];

/**
 * Where in the answer to WG_CMD_GET_DEVICE the counters of its peers stand, three for each, in the order of the peers.
 *
 * @param device what decodeDevice() has made of these messages
 * @returns undefined when not every peer has all of them once
 */
export function findCounters(
  messages: readonly NetlinkMessage[],
  device: WireGuardDevice,
): readonly DataView[] | undefined {
  const found: DataView[] = [];
  for (const message of messages) {
    const reader = genericReader(message);
    while (reader.next()) {
      if (reader.type !== wg.WGDEVICE_A_PEERS) continue;
      const peers = reader.nested();
      while (peers.next()) {
        const { publicKey, counters } = countersOf(peers.nested());
        if (counters === undefined) continue;
        if (publicKey !== device.peers[found.length / 3]?.publicKey) return undefined;
        found.push(...counters);
      }
    }
  }
  return found.length === 3 * device.peers.length ? found : undefined;
}

/** Of one peer in a message. One that goes on from the message before, because its allowed IPs did not fit, has no counters. */
function countersOf(reader: AttributeReader): { publicKey: string; counters: Counters | undefined } {
  let publicKey = '';
  let lastHandshake: DataView | undefined;
  let rxBytes: DataView | undefined;
  let txBytes: DataView | undefined;
  while (reader.next()) {
    if (reader.type === wg.WGPEER_A_PUBLIC_KEY) publicKey = encodePublicKey(reader.bytes());
    else if (reader.type === wg.WGPEER_A_LAST_HANDSHAKE_TIME) lastHandshake = view(reader, TIMESPEC);
    else if (reader.type === wg.WGPEER_A_RX_BYTES) rxBytes = view(reader, U64);
    else if (reader.type === wg.WGPEER_A_TX_BYTES) txBytes = view(reader, U64);
  }
  if (lastHandshake === undefined || rxBytes === undefined || txBytes === undefined)
    return { publicKey, counters: undefined };
  return { publicKey, counters: [lastHandshake, rxBytes, txBytes] };
}

function view(reader: AttributeReader, length: number): DataView | undefined {
  const { buffer, byteOffset, byteLength } = reader.bytes();
  return byteLength === length ? new DataView(buffer, byteOffset, byteLength) : undefined;
}

/** The device with its counters read again, from the views that {@link findCounters} gave. */
export function updateCounters(device: WireGuardDevice, counters: readonly DataView[]): WireGuardDevice {
  const peers = device.peers.map((peer, index) => updatePeer(peer, counters, 3 * index));
  return { ...device, peers };
}

function updatePeer(peer: WireGuardPeer, counters: readonly DataView[], at: number): WireGuardPeer {
  const [time, rx, tx] = [counters[at], counters[at + 1], counters[at + 2]];
  if (time === undefined || rx === undefined || tx === undefined) return peer;
  const lastHandshake = decodeTime(time);
  const rxBytes = rx.getBigUint64(0, LITTLE_ENDIAN);
  const txBytes = tx.getBigUint64(0, LITTLE_ENDIAN);
  if (lastHandshake === peer.lastHandshake && rxBytes === peer.rxBytes && txBytes === peer.txBytes)
    return peer;
  return { ...peer, lastHandshake, rxBytes, txBytes };
}

/** A struct __kernel_timespec in milliseconds, see {@link WireGuardPeer.lastHandshake}. */
export function decodeTime(timespec: DataView): number {
  return i64(timespec, 0) * 1e3 + i64(timespec, 8) / 1e6;
}

/** What fits into a double of a signed number of 64 bits; a bigint would cost more than the rest of the reading. */
function i64(timespec: DataView, at: number): number {
  const [low, high] = LITTLE_ENDIAN ? [at, at + 4] : [at + 4, at];
  return timespec.getInt32(high, LITTLE_ENDIAN) * 2 ** 32 + timespec.getUint32(low, LITTLE_ENDIAN);
}
