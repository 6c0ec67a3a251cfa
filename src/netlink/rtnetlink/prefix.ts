import { addressBits, decodePrefix } from '../address.js';
import type { AttributeReader } from '../attribute-reader.js';

/**
 * Reads an address of a family as the network that a length in the header makes of it. What cannot be one fails the reader.
 *
 * @param length of the prefix, in bits
 */
export function readPrefix(reader: AttributeReader, family: 4 | 6, length: number): string {
  const bytes = reader.bytes();
  const prefix = bytes.length * 8 === addressBits(family) ? decodePrefix(bytes, length) : undefined;
  if (prefix === undefined)
    reader.fail(`an address of ${bytes.length} bytes with a prefix of ${length} bits`);
  return prefix ?? '';
}
