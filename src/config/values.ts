import { encodeUtf8 } from '#platform/text.js';
import { BadValue, quote } from './problem.js';

const TRUE: readonly string[] = ['1', 'on', 'true', 'yes', 'enabled'];
const FALSE: readonly string[] = ['0', 'off', 'false', 'no', 'disabled'];

/**
 * A boolean as OpenWrt's scripts read it (get_bool of /lib/functions.sh), capitals not accepted.
 * @throws {BadValue}
 */
export function parseBoolean(text: string): boolean {
  if (TRUE.includes(text)) return true;
  if (FALSE.includes(text)) return false;
  throw new BadValue(`is ${quote(text)}: expected 1 or 0 (or on/off, true/false, yes/no, enabled/disabled)`);
}

/**
 * A whole number in decimal digits, no sign, no unit.
 * @param what what the number counts, for the message, such as `seconds`
 * @throws {BadValue}
 */
export function parseInteger(text: string, least: number, most: number, what: string): number {
  const value = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new BadValue(`is ${quote(text)}: expected ${what}, a whole number from ${least} to ${most}`);
}

/** The largest number of 32 bits. */
export const MAX_U32 = 4294967295;

/** A number of 32 bits as ip(8) and wg(8) take it, decimal or with 0x; undefined for anything else. */
export function number32(text: string): number | undefined {
  const number = /^([0-9]{1,10}|0x[0-9a-f]{1,8})$/i.test(text) ? Number(text) : undefined;
  return number !== undefined && number <= MAX_U32 ? number : undefined;
}

/**
 * A whole number, or 0 or `off` for what is not to happen at all.
 * @param least the smallest that is not 0
 * @returns 0 for off
 * @throws {BadValue}
 */
export function parseIntegerOrOff(text: string, least: number, most: number, what: string): number {
  if (text.toLowerCase() === 'off' || /^0{1,15}$/.test(text)) return 0;
  return parseInteger(text, least, most, `0 for off, or ${what}`);
}

/** Whether the kernel takes it for the name of a network interface (dev_valid_name in net/core/dev.c). */
export function isIfname(text: string): boolean {
  const bytes = encodeUtf8(text).length;
  return bytes >= 1 && bytes <= 15 && text !== '.' && text !== '..' && !/[\s/:\0]/.test(text);
}

/**
 * The name of a network interface.
 * @throws {BadValue}
 */
export function parseIfname(text: string): string {
  if (isIfname(text)) return text;
  throw new BadValue(
    `is ${quote(text)}: expected the name of an interface, 1 to 15 characters, without spaces, / and :`,
  );
}

/**
 * A host name as DNS has it (RFC 1123 section 2.1, RFC 1035 section 2.3.4), tolerating underscores and one
 * dot at the end. Returned as it is.
 * @throws {BadValue}
 */
export function parseHostName(text: string): string {
  const bad = (reason: string): BadValue => new BadValue(`${quote(text)} is no host name: ${reason}`);
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  if (/[^\0-\x7f]/.test(name)) throw bad('expected its ASCII form (xn--...)');
  if (name.length > 253) throw bad('expected at most 253 characters');
  for (const label of name.split('.')) {
    if (label === '') throw bad('expected at least one character between dots');
    if (label.length > 63) throw bad('expected at most 63 characters between dots');
    if (/[^A-Za-z0-9_-]/.test(label)) throw bad('expected only letters, digits, - and dots');
    if (label.startsWith('-') || label.endsWith('-')) throw bad('expected no - next to a dot or at the ends');
  }
  return text;
}
