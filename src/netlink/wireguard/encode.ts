import { addressFamily, encodePrefix, type Prefix } from '../address.js';
import type { AttributeWriter } from '../attribute-writer.js';
import { writeDevice } from '../device.js';
import { NetlinkEncodeError } from '../errors.js';
import { genericWriter } from '../generic.js';
import * as wg from './constants.js';
import { decodePublicKey, KEY_LENGTH } from './keys.js';
import { encodeSockaddr } from './sockaddr.js';
import type { WireGuardConfig, WireGuardPeerConfig } from './types.js';

/** Bytes after which a message is ended. All peers of a message are one attribute, which holds 64 KiB at most. */
const MESSAGE_LIMIT = 32 * 1024;
/** The most bytes a peer takes without its allowed IPs, and one allowed IP takes. */
const PEER_SIZE = 128;
const ALLOWED_IP_SIZE = 40;

/** What {@link encodeConfig} has to know of the family. */
interface Version {
  readonly version: number;
}

/** A writer for a command about a device. @throws {NetlinkEncodeError} */
export function deviceWriter(family: Version, command: number, device: string | number): AttributeWriter {
  const writer = genericWriter(family, command);
  writeDevice(writer, wg.WGDEVICE_A_IFNAME, wg.WGDEVICE_A_IFINDEX, device);
  return writer;
}

/**
 * Encodes a configuration as one or more WG_CMD_SET_DEVICE.
 *
 * The attributes of the device, and the order to replace its peers, are in the first message only. A peer whose allowed
 * IPs do not fit goes on in the next message with its key and the rest of them: to repeat the order to replace them
 * would undo the first part. There the peer is only updated, so that one which somebody removes in between does
 * not come back without its endpoint.
 *
 * @param limit bytes after which a message is ended; for tests
 * @throws {NetlinkEncodeError} or NetlinkDecodeError for a bad key; before anything is sent, therefore
 */
export function encodeConfig(
  family: Version,
  device: string | number,
  config: WireGuardConfig,
  limit = MESSAGE_LIMIT,
): AttributeWriter[] {
  const first = deviceWriter(family, wg.WG_CMD_SET_DEVICE, device);
  writeInterface(first, config);
  const writers = [first];
  let writer = first;
  let list: number | undefined;
  for (const peer of config.peers ?? []) {
    const key = decodePublicKey(peer.publicKey);
    const prefixes = (peer.allowedIps ?? []).map(encodePrefix);
    let written = 0;
    do {
      if (list !== undefined && writer.length + PEER_SIZE + ALLOWED_IP_SIZE > limit) {
        writer.closeNest(list);
        list = undefined;
        writer = deviceWriter(family, wg.WG_CMD_SET_DEVICE, device);
        writers.push(writer);
      }
      list ??= writer.openNest(wg.WGDEVICE_A_PEERS);
      const entry = writer.openNest(0);
      writer.bytes(wg.WGPEER_A_PUBLIC_KEY, key);
      if (written === 0) writePeer(writer, peer);
      else writer.u32(wg.WGPEER_A_FLAGS, wg.WGPEER_F_UPDATE_ONLY);
      written = writeAllowedIps(writer, prefixes, written, limit);
      writer.closeNest(entry);
    } while (written < prefixes.length);
  }
  if (list !== undefined) writer.closeNest(list);
  return writers;
}

function writeInterface(writer: AttributeWriter, config: WireGuardConfig): void {
  const { privateKey, listenPort, fwmark, replacePeers } = config;
  if (privateKey !== undefined) {
    writer.bytes(wg.WGDEVICE_A_PRIVATE_KEY, privateKey?.revealBytes() ?? new Uint8Array(KEY_LENGTH));
  }
  if (listenPort !== undefined) writer.u16(wg.WGDEVICE_A_LISTEN_PORT, listenPort);
  if (fwmark !== undefined) writer.u32(wg.WGDEVICE_A_FWMARK, fwmark);
  if (replacePeers) writer.u32(wg.WGDEVICE_A_FLAGS, wg.WGDEVICE_F_REPLACE_PEERS);
}

function writePeer(writer: AttributeWriter, peer: WireGuardPeerConfig): void {
  const flags =
    (peer.remove ? wg.WGPEER_F_REMOVE_ME : 0) |
    (peer.replaceAllowedIps ? wg.WGPEER_F_REPLACE_ALLOWEDIPS : 0) |
    (peer.updateOnly ? wg.WGPEER_F_UPDATE_ONLY : 0);
  if (flags !== 0) writer.u32(wg.WGPEER_A_FLAGS, flags);
  const { presharedKey, endpoint, persistentKeepalive } = peer;
  if (presharedKey !== undefined) {
    writer.bytes(wg.WGPEER_A_PRESHARED_KEY, presharedKey?.revealBytes() ?? new Uint8Array(KEY_LENGTH));
  }
  if (endpoint !== undefined) writer.bytes(wg.WGPEER_A_ENDPOINT, encodeSockaddr(endpoint));
  if (persistentKeepalive !== undefined) {
    if (!Number.isInteger(persistentKeepalive) || persistentKeepalive < 0 || persistentKeepalive > 0xffff) {
      throw new NetlinkEncodeError(
        `persistent keepalive ${persistentKeepalive} is not a number from 0 to 65535`,
      );
    }
    writer.u16(wg.WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, persistentKeepalive);
  }
}

/** Writes allowed IPs from the given one on, as many as fit; returns which one is next. */
function writeAllowedIps(
  writer: AttributeWriter,
  prefixes: readonly Prefix[],
  from: number,
  limit: number,
): number {
  if (from >= prefixes.length) return from;
  const list = writer.openNest(wg.WGPEER_A_ALLOWEDIPS);
  let next = from;
  // At least one, so that even a limit too small for anything comes to an end.
  do {
    const prefix = prefixes[next];
    if (prefix === undefined) break;
    const { address, length } = prefix;
    const entry = writer.openNest(0);
    writer.u16(wg.WGALLOWEDIP_A_FAMILY, addressFamily(address));
    writer.bytes(wg.WGALLOWEDIP_A_IPADDR, address);
    writer.u8(wg.WGALLOWEDIP_A_CIDR_MASK, length);
    writer.closeNest(entry);
    next++;
  } while (writer.length + ALLOWED_IP_SIZE <= limit);
  writer.closeNest(list);
  return next;
}
