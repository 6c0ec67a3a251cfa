/** Inputs that are kept, each for a way through a reader that no other takes: test/fixtures/fuzz, a line of hexadecimal digits for each. */
import { listDirectory, readFile } from '#platform/files.js';
import { decodeUtf8 } from '#platform/text.js';

export function unhex(digits: string): Uint8Array {
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The corpus of a reader; empty where there is none yet. @param fixtures test/fixtures */
export function corpusOf(reader: string, fixtures: string): Uint8Array[] {
  if (!listDirectory(`${fixtures}/fuzz`).includes(`${reader}.txt`)) return [];
  const lines = decodeUtf8(readFile(`${fixtures}/fuzz/${reader}.txt`)).split('\n');
  return lines.slice(0, -1).map(unhex);
}
