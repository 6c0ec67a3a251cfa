import { lstat } from '#platform/files.js';
import { ConfigFileError, type Creation, OWN_GROUP, readPrivateKey } from '../config/index.js';
import type { Link } from '../netlink/index.js';
import type { Concern } from './full-tunnel.js';

/** Bits of a mode by which anybody may read. */
const READABLE_BY_ALL = 0o004;

/** IPv6 leaves an interface whose MTU is smaller (RFC 8200 section 5). */
const LEAST_MTU_OF_IPV6 = 1280;

/** What will keep an interface from being made as it is meant. @param link what has its name now */
export function checkCreation(
  { addresses, mtu, privateKeyFile }: Creation,
  link: Link | undefined,
): Concern[] {
  const concerns: Concern[] = [];
  if (link !== undefined && link.group !== OWN_GROUP) {
    const message = `somebody else has made ${link.name}, so option create has no effect: expected no option create '1', or ip link delete ${link.name}`;
    concerns.push({ severity: 'warning', message });
  }
  try {
    readPrivateKey(privateKeyFile);
    const found = lstat(privateKeyFile);
    if (found?.kind === 'file' && (found.mode & READABLE_BY_ALL) !== 0) {
      const message = `the private key in ${privateKeyFile} can be read by everybody: expected a mode such as 0600`;
      concerns.push({ severity: 'warning', message });
    }
  } catch (error) {
    if (!(error instanceof ConfigFileError)) throw error;
    concerns.push({ severity: 'error', message: error.message });
  }
  const first = addresses.find(({ address }) => address.includes(':'));
  if (first !== undefined && mtu < LEAST_MTU_OF_IPV6) {
    const message = `with an mtu of ${mtu} the kernel takes no IPv6 address, such as ${first.address}: expected ${LEAST_MTU_OF_IPV6} at least`;
    concerns.push({ severity: 'error', message });
  }
  return concerns;
}
