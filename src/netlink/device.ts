import { encodeUtf8 } from '#platform/text.js';
import type { AttributeWriter } from './attribute-writer.js';
import { NetlinkEncodeError } from './errors.js';

/** linux/if.h: IFNAMSIZ counts the NUL byte too. */
const IFNAMSIZ = 16;

/** What names a device in a message: its name, or its index. @throws {NetlinkEncodeError} when it cannot be one */
export function writeDevice(
  writer: AttributeWriter,
  nameType: number,
  indexType: number,
  device: string | number,
) {
  if (typeof device === 'number') writer.u32(indexType, device);
  else writer.string(nameType, interfaceName(device));
}

/** Words for a device in errors. */
export function describeDevice(device: string | number): string {
  return typeof device === 'number' ? `with index ${device}` : device;
}

/** The name itself. @throws {NetlinkEncodeError} when it cannot be an interface's */
export function interfaceName(name: string): string {
  if (name === '' || encodeUtf8(name).length >= IFNAMSIZ) {
    throw new NetlinkEncodeError(`'${name}' cannot be an interface name: it has 1 to ${IFNAMSIZ - 1} bytes`);
  }
  return name;
}
