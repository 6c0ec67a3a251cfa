/** FNV-1a of a name, folded to 16 bits: what is one interface's own where the kernel keeps no name. */
export function hashOfName(name: string): number {
  let value = 0x811c9dc5;
  for (let at = 0; at < name.length; at++) value = Math.imul(value ^ name.charCodeAt(at), 0x01000193);
  return ((value >>> 16) ^ value) & 0xffff;
}
