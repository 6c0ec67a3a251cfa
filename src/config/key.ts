import { BadValue } from './problem.js';

const KEY_BYTES = 32;
const KEY_CHARACTERS = 44;

/**
 * A WireGuard key: 32 bytes in base64, that is 43 characters and one `=` (wg(8)). Returned as it is. The message never
 * shows it, because which option a key stands in does not tell which key it is.
 * @throws {BadValue}
 */
export function parseKey(text: string): string {
  const expected = `expected ${KEY_BYTES} bytes in base64, ${KEY_CHARACTERS} characters of which the last is =`;
  if (/^[0-9a-f]{64}$/i.test(text)) throw new BadValue(`is in hexadecimal digits: ${expected}`);
  const foreign = /[^A-Za-z0-9+/=]/.exec(text);
  if (foreign) {
    const place = foreign.index + 1;
    throw new BadValue(`has a character at place ${place} that base64 does not have: ${expected}`);
  }
  if (text.length === KEY_CHARACTERS - 1 && !text.includes('=')) {
    throw new BadValue(`lacks the = at its end: ${expected}`);
  }
  if (text.length !== KEY_CHARACTERS) {
    throw new BadValue(`has length ${text.length}: ${expected}`);
  }
  if (text.indexOf('=') !== KEY_CHARACTERS - 1) {
    throw new BadValue(`is not padded as ${KEY_BYTES} bytes are: ${expected}`);
  }
  // The last character carries two bits of nothing. wg(8) wants them zero, and so does comparing keys as text.
  if (!/[AEIMQUYcgkosw048]=$/.test(text)) {
    const reason = `ends in ${text.slice(-2)}, which no key can: expected one of AEIMQUYcgkosw048 before the =`;
    throw new BadValue(`${reason} (it was cut off or mistyped)`);
  }
  return text;
}

/**
 * As above, and not all zeros: that is no point of Curve25519 that a handshake could be made with (RFC 7748 section 6.1).
 * @throws {BadValue}
 */
export function parsePublicKey(text: string): string {
  const key = parseKey(text);
  if (/^A+=$/.test(key)) throw new BadValue('is all zeros: expected the public key of a peer');
  return key;
}
