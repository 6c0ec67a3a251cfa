import { groupId, setGroup } from '#platform/process.js';
import { messageOf } from '../wording.js';
import { EXIT, ExitError } from './exit.js';

/** Ids of groups have 32 bits, all of which together mean none. */
const HIGHEST = 0xfffffffe;

/**
 * Runs on with this group.
 *
 * @param group a name or a number
 * @throws ExitError 64 when there is no such group, 77 when it may not be changed
 */
export function changeGroup(group: string): void {
  const id = /^\d+$/.test(group) ? Number(group) : groupId(group);
  if (id === undefined || id > HIGHEST) {
    throw new ExitError(EXIT.USAGE, `--group ${group}: there is no such group`);
  }
  try {
    setGroup(id);
  } catch (error) {
    const message = `--group ${group}: ${messageOf(error)}: run as root, or with CAP_SETGID`;
    throw new ExitError(EXIT.NOT_PERMITTED, message);
  }
}
