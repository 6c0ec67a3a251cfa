import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { getSystemErrorName } from 'node:util';
import { messageOf } from '../wording.js';
import { EXIT, ExitError } from './exit.js';

/** What group.c can do. */
interface Native {
  groupId(name: string): number;
  setGroup(id: number): number;
}

/** Where group.node is looked for: next to the file that runs (a bundle), then in dist/native. */
const PLACES = ['./group.node', '../../native/group.node'];

/** Ids of groups have 32 bits, all of which together mean none. */
const HIGHEST = 0xfffffffe;

/**
 * Runs on with this group.
 *
 * @param group a name or a number
 * @throws ExitError 64 when there is no such group, 77 when it may not be changed
 */
export function changeGroup(group: string): void {
  const given = /^\d+$/.test(group) ? Number(group) : group;
  try {
    if (process.setgid === undefined) throw new Error('this system has no groups');
    process.setgid(given);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ERR_UNKNOWN_CREDENTIAL' || code === 'ERR_OUT_OF_RANGE') throw noSuchGroup(group);
    // Node's own refusal, whatever the kernel would say.
    if (code === 'ERR_INVALID_STATE') changeNatively(given, messageOf(error));
    else throw notPermitted(group, `${messageOf(error)}: run as root, or with CAP_SETGID`);
  }
}

function changeNatively(group: string | number, refusal: string): void {
  const native = load();
  if (native === undefined) {
    throw notPermitted(
      group,
      `this Node refuses it (${refusal}), and the native part group.node is missing: start the program with that group`,
    );
  }
  const id = typeof group === 'number' ? group : native.groupId(group);
  if (id < 0 || id > HIGHEST) throw noSuchGroup(group);
  const errno = native.setGroup(id);
  if (errno !== 0) {
    throw notPermitted(group, `${getSystemErrorName(-errno)}: run as root, or with CAP_SETGID`);
  }
}

function noSuchGroup(group: string | number): ExitError {
  return new ExitError(EXIT.USAGE, `--group ${group}: there is no such group`);
}

function notPermitted(group: string | number, reason: string): ExitError {
  return new ExitError(EXIT.NOT_PERMITTED, `--group ${group}: ${reason}`);
}

function load(): Native | undefined {
  const path = PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url))).find(existsSync);
  if (path === undefined) return undefined;
  const module: { exports: Partial<Native> } = { exports: {} };
  try {
    process.dlopen(module, path);
  } catch {
    return undefined;
  }
  const { groupId, setGroup } = module.exports;
  return groupId === undefined || setGroup === undefined ? undefined : { groupId, setGroup };
}
