/** All of sun_path (unix(7)). */
const ROOM = 108;

/** The abstract name of the control socket of an interface's daemon, without its first NUL byte; see abstract-names.ts. */
export function controlName(ifname: string): string {
  return `${CONTROL_NAMES}/${ifname}`;
}

/** What all of them begin with. */
export const CONTROL_NAMES = 'wgpeerselector-control';

/** The name as a path. With all of its bytes: Node 20 fills every name up, and could not connect to a shorter one. */
export function padded(name: string): string {
  return `\0${name}`.padEnd(ROOM, '\0');
}
