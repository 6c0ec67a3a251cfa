import { readFileSync } from 'node:fs';

/** fe80::/10 and the multicast of a link: the kernel asks for a zone with these alone (RFC 4007 section 6). */
const OF_A_LINK = /^(?:fe[89ab][0-9a-f]|ff[0-9a-f]2):/i;

/**
 * An IPv6 address with its zone as libuv understands it. That takes names of interfaces alone, and sends as if no zone were said where there is
 * none of that name. The C library refuses it, and takes numbers as well.
 *
 * @param address literal
 * @returns the name of the error for a zone that is not there
 */
export function withKnownZone(
  address: string,
): { readonly address: string } | { readonly refused: 'EINVAL' | 'ENETUNREACH' } {
  const at = address.indexOf('%');
  if (at < 0) return { address };
  const bare = address.slice(0, at);
  const zone = address.slice(at + 1);
  const isNumber = /^\d+$/.test(zone);
  if (!OF_A_LINK.test(bare)) return isNumber ? { address: bare } : { refused: 'EINVAL' };
  if (linesOf('dev').some((line) => line.trimStart().startsWith(`${zone}:`))) return { address };
  if (!isNumber) return { refused: 'EINVAL' };
  const name = linesOf('if_inet6')
    .map((line) => line.split(/ +/))
    .find(([, index = '']) => Number.parseInt(index, 16) === Number(zone))?.[5];
  return name === undefined ? { refused: 'ENETUNREACH' } : { address: `${bare}%${name}` };
}

/** What the kernel says of this network namespace; nothing where there is no /proc. */
function linesOf(file: string): string[] {
  try {
    return readFileSync(`/proc/self/net/${file}`, 'latin1').split('\n');
  } catch {
    return [];
  }
}
