import { encodeUtf8 } from '#platform/text.js';

/** All of sun_path (unix(7)). */
const ROOM = 108;

/** The abstract name of the control socket of an interface's daemon, without its first NUL byte; see abstract-names.ts. */
export function controlName(ifname: string): string {
  return `${CONTROL_NAMES}/${ifname}`;
}

/** What all of them begin with. */
export const CONTROL_NAMES = 'wgpeerselector-control';

/**
 * The name as a path that has all the bytes there are: some libuv fill a shorter one up and then do not find it as others made it. Not
 * with NUL bytes, which other libuv refuse.
 */
export function padded(name: string): string {
  return `\0${name}${'/'.repeat(ROOM - 1 - encodeUtf8(name).length)}`;
}
