/** The unit of systemd as tests read it, and its sandbox without systemd. */
import { readFileSync, writeFileSync } from 'node:fs';
import { compile } from './compile.js';
import { root } from './documents.js';

/** Of the unit, relative to the checkout. */
export const unitFile = 'systemd/usr/lib/systemd/system/wgpeerselector@.service';

/** All values of a setting, in their order; those of a list are words of one. */
export function settings(text: string, name: string): string[] {
  return [...text.matchAll(new RegExp(`^${name}=(.*)$`, 'gm'))].map(([, value = '']) => value);
}

/** The system calls that a unit, or a part of one, allows. */
export function allowedCalls(text: string): string[] {
  return settings(text, 'SystemCallFilter').flatMap((value) => value.split(' '));
}

/** The text of the unit. */
export function unitText(): string {
  return readFileSync(root + unitFile, 'utf8');
}

/**
 * What a program of Node's asks for and does without: libuv's own ring of requests (since 1.45), which would get around the filter, and names
 * for its threads (prctl, since 1.50). Debian 13's Node asks; the builds of nodejs.org do not.
 */
const REFUSED = ['io_uring_setup', 'prctl'];

/**
 * Makes a program that becomes another one, which may use these system calls alone. Names that this processor has not are passed over.
 * @param folder where it is made
 */
export function makeSandbox(folder: string, calls: readonly string[]): string {
  const list = `${folder}/sandbox-calls.h`;
  const line = (what: string) => (name: string) => `#ifdef SYS_${name}\n${what}(SYS_${name})\n#endif\n`;
  writeFileSync(list, [...calls.map(line('ALLOW')), ...REFUSED.map(line('REFUSE'))].join(''));
  return compile(`${folder}/sandbox`, 'sandbox.c', [`-DSANDBOX_CALLS="${list}"`]);
}
