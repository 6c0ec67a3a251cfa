import { ERRNO } from '#platform/errno.js';
import { NetlinkError } from '../errors.js';
import type { NetlinkMessage } from '../message.js';
import type { NetlinkRequest } from '../request.js';
import {
  decodeRoute,
  encodeLookup,
  type LookupOptions,
  type Route,
  RTM_GETROUTE,
  RTN_BLACKHOLE,
  RTN_PROHIBIT,
  RTN_UNREACHABLE,
} from './route.js';

const { EACCES, EHOSTUNREACH, EINVAL, ENETUNREACH } = ERRNO;

/** What a packet gets that a route of this type takes: the same for both families (net/ipv4/fib_semantics.c). */
const REFUSALS: Readonly<Record<number, number>> = {
  [RTN_BLACKHOLE]: EINVAL,
  [RTN_UNREACHABLE]: EHOSTUNREACH,
  [RTN_PROHIBIT]: EACCES,
};

/** The question for the way to an address. */
export function lookupRequest(address: string, options: LookupOptions): NetlinkRequest {
  const from = options.source === undefined ? '' : ` from ${options.source}`;
  const what = `look up the route to ${address}${from}`;
  return { what, type: RTM_GETROUTE, body: encodeLookup(address, options) };
}

/** @throws {NetlinkError} as `Rtnetlink.lookup` */
export function readLookup({ what }: NetlinkRequest, [message]: readonly NetlinkMessage[]): Route {
  const route = message === undefined ? undefined : decodeRoute(message, {}, true);
  if (route === undefined) throw new NetlinkError(ENETUNREACH, what);
  const refusal = REFUSALS[route.type];
  if (refusal !== undefined) throw new NetlinkError(refusal, what, 'a route refuses it');
  return route;
}
