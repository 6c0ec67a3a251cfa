import { ERRNO } from '#platform/errno.js';
import type { AddressSpec } from './interface-address.js';
import type { RouteSpec } from './route.js';
import type { RuleSpec } from './rule.js';

const { EADDRINUSE, EEXIST, EINVAL, ENETDOWN, ENODEV, ENOENT, EPERM, ESRCH } = ERRNO;

/** errno.h was written for files and processes. */
export const EXPLAIN_ROUTE = {
  [EEXIST]: 'there is a route to this destination with this metric already',
  [ENETDOWN]: 'the interface is down',
  [ENODEV]: 'there is no such interface',
  [EPERM]: 'this needs CAP_NET_ADMIN',
  [ESRCH]: 'there is no such route',
};

export const EXPLAIN_RULE = {
  [EEXIST]: 'there is such a rule already',
  [ENOENT]: 'there is no such rule',
  [EPERM]: 'this needs CAP_NET_ADMIN',
};

/** IPv6 leaves an interface whose MTU is below the least that it needs (RFC 8200 section 5). */
export const NO_IPV6 =
  'there is no such interface, or it has no IPv6, for which its MTU has to be 1280 at least';

export const EXPLAIN_LINK = {
  [EADDRINUSE]: 'another socket has the listen port',
  [EEXIST]: 'there is an interface of that name already',
  [ENODEV]: 'there is no such interface',
  [EPERM]: 'this needs CAP_NET_ADMIN',
};

export const EXPLAIN_ADDRESS = {
  [EEXIST]: 'the interface has it already',
  [EINVAL]: 'the interface has no IPv6, for which its MTU has to be 1280 at least',
  [ENODEV]: 'there is no such interface',
  [EPERM]: 'this needs CAP_NET_ADMIN',
};

/** A request about a route, for errors. */
export function describeRoute(
  verb: string,
  { destination, interfaceIndex, metric, table, gateway }: RouteSpec,
): string {
  const words = [`${verb} route ${destination}`];
  if (gateway !== undefined) words.push(`via ${gateway}`);
  if (interfaceIndex !== undefined) words.push(`on interface ${interfaceIndex}`);
  if (metric !== undefined) words.push(`metric ${metric}`);
  if (table !== undefined) words.push(`table ${table}`);
  return words.join(' ');
}

/** A request about a rule. */
export function describeRule(verb: string, { family, priority, table, mark, invert }: RuleSpec): string {
  const words = [`${verb} IPv${family} rule`];
  if (priority !== undefined) words.push(`${priority}:`);
  if (invert) words.push('not');
  if (mark !== undefined) words.push(`mark ${mark.value}`);
  return [...words, `table ${table}`].join(' ');
}

/** A request about an address of an interface. */
export function describeAddress(
  verb: string,
  { address, prefixLength, interfaceIndex }: AddressSpec,
): string {
  return `${verb} address ${address}/${prefixLength} on interface ${interfaceIndex}`;
}
