import { AF_INET, AF_INET6, addressFamily, decodeAddress, encodeAddress } from '../address.js';
import { LITTLE_ENDIAN } from '../endian.js';
import { NetlinkDecodeError, NetlinkEncodeError } from '../errors.js';
import type { Endpoint } from './types.js';

/** Bytes of struct sockaddr_in (linux/in.h) and struct sockaddr_in6 (linux/in6.h). */
const SIZE_IN = 16;
const SIZE_IN6 = 28;

/** Writes struct sockaddr_in or sockaddr_in6. @throws {NetlinkEncodeError} */
export function encodeSockaddr({ address, port, scopeId }: Endpoint): Uint8Array {
  const ip = encodeAddress(address);
  if (!Number.isInteger(port) || port < 1 || port > 0xffff) {
    throw new NetlinkEncodeError(`endpoint ${address}: port ${port} is not a number from 1 to 65535`);
  }
  const family = addressFamily(ip);
  const bytes = new Uint8Array(family === AF_INET ? SIZE_IN : SIZE_IN6);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, family, LITTLE_ENDIAN);
  view.setUint16(2, port); // network byte order, unlike the rest
  bytes.set(ip, family === AF_INET ? 4 : 8);
  if (family === AF_INET6) view.setUint32(24, scopeId ?? 0, LITTLE_ENDIAN);
  return bytes;
}

/** Reads struct sockaddr_in or sockaddr_in6. @throws {NetlinkDecodeError} */
export function decodeSockaddr(bytes: Uint8Array): Endpoint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const family = bytes.length >= 2 ? view.getUint16(0, LITTLE_ENDIAN) : 0;
  if (family === AF_INET && bytes.length === SIZE_IN) {
    return { address: decodeAddress(bytes.subarray(4, 8)) ?? '', port: view.getUint16(2) };
  }
  if (family === AF_INET6 && bytes.length === SIZE_IN6) {
    const address = decodeAddress(bytes.subarray(8, 24)) ?? '';
    const scopeId = view.getUint32(24, LITTLE_ENDIAN);
    return { address, port: view.getUint16(2), ...(scopeId !== 0 && { scopeId }) };
  }
  throw new NetlinkDecodeError(`an endpoint of ${bytes.length} bytes and address family ${family}`);
}
