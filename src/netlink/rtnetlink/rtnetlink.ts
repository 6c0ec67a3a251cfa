import { constants } from 'node:os';
import { type ConnectionOptions, NetlinkConnection } from '../connection.js';
import { describeDevice } from '../device.js';
import { NetlinkError } from '../errors.js';
import { NLM_F_CREATE, NLM_F_EXCL } from '../message.js';
import { NETLINK_ROUTE } from '../socket.js';
import { decodeLink, encodeLinkRequest, type Link, RTM_GETLINK } from './link.js';
import {
  decodeRoute,
  encodeLookup,
  encodeRoute,
  encodeRouteDump,
  type Route,
  type RouteFilter,
  type RouteSpec,
  RTM_DELROUTE,
  RTM_GETROUTE,
  RTM_NEWROUTE,
  RTN_BLACKHOLE,
  RTN_PROHIBIT,
  RTN_UNREACHABLE,
} from './route.js';

const { EACCES, EEXIST, EHOSTUNREACH, EINVAL, ENETDOWN, ENETUNREACH, ENODEV, ENOENT, EPERM, ESRCH } =
  constants.errno;

/** errno.h was written for files and processes. */
const EXPLAIN = {
  [EEXIST]: 'there is a route to this destination with this metric already',
  [ENETDOWN]: 'the interface is down',
  [ENODEV]: 'there is no such interface',
  [EPERM]: 'this needs CAP_NET_ADMIN',
  [ESRCH]: 'there is no such route',
};

/** What a packet gets that a route of this type takes: the same for both families (net/ipv4/fib_semantics.c). */
const REFUSALS: Readonly<Record<number, number>> = {
  [RTN_BLACKHOLE]: EINVAL,
  [RTN_UNREACHABLE]: EHOSTUNREACH,
  [RTN_PROHIBIT]: EACCES,
};

/**
 * Links and routes of this network namespace (rtnetlink(7)).
 *
 * Every method rejects with {@link NetlinkError} when the kernel refuses and with NetlinkTimeoutError when its deadline
 * passes; an argument that cannot be sent rejects with NetlinkEncodeError. Reading needs no rights, changing routes
 * needs CAP_NET_ADMIN (EPERM).
 */
export class Rtnetlink {
  readonly #connection: NetlinkConnection;

  private constructor(options?: ConnectionOptions) {
    this.#connection = new NetlinkConnection(NETLINK_ROUTE, options);
  }

  /** @param options `deadline` in milliseconds for each request, default 5000; see {@link ConnectionOptions} */
  static open(options?: ConnectionOptions): Rtnetlink {
    return new Rtnetlink(options);
  }

  /** One link by name or index; undefined when there is none. */
  async link(device: string | number): Promise<Link | undefined> {
    const what = `get link ${describeDevice(device)}`;
    try {
      const body = encodeLinkRequest(device);
      const [message] = await this.#connection.request({ what, type: RTM_GETLINK, body });
      return message === undefined ? undefined : decodeLink(message);
    } catch (error) {
      if (error instanceof NetlinkError && error.errno === ENODEV) return undefined;
      throw error;
    }
  }

  /** All links. */
  links(): Promise<Link[]> {
    return this.#connection.dump(
      { what: 'list links', type: RTM_GETLINK, body: encodeLinkRequest() },
      decodeLink,
    );
  }

  /**
   * Installs a route.
   *
   * @throws {NetlinkError} EEXIST: there is one to this destination with this metric in this table, whoever made it;
   * ENETDOWN: the interface is down; ENODEV: it is gone
   */
  async addRoute(route: RouteSpec): Promise<void> {
    const what = describe('add', route);
    const flags = NLM_F_CREATE | NLM_F_EXCL;
    const body = encodeRoute(route);
    await this.#connection.request({ what, type: RTM_NEWROUTE, flags, body, explain: EXPLAIN });
  }

  /**
   * Removes a route, if interface, protocol, table and metric are the given ones. (IPv4 takes a metric of 0 for any.)
   *
   * @throws {NetlinkError} ESRCH: there is no such route
   */
  async removeRoute(route: RouteSpec): Promise<void> {
    const what = describe('remove', route);
    await this.#connection.request({ what, type: RTM_DELROUTE, body: encodeRoute(route), explain: EXPLAIN });
  }

  /**
   * Lists routes, of all tables and both families if the filter does not say otherwise.
   *
   * The kernel applies the filter where it checks strictly (NETLINK_GET_STRICT_CHK: SocketFeatures.strictDump). It is applied
   * here in any case.
   */
  async routes(filter: RouteFilter = {}): Promise<Route[]> {
    const families = filter.family === undefined ? ([4, 6] as const) : [filter.family];
    const lists = await Promise.all(
      families.map((family) => {
        const request = {
          what: `list IPv${family} routes`,
          type: RTM_GETROUTE,
          body: encodeRouteDump(family, filter),
        };
        // A kernel without IPv6 answers with the routes of all families it has, so the family is a filter too.
        return this.#connection
          .dump(request, (message) => decodeRoute(message, { ...filter, family }))
          .catch((error: unknown) => {
            // The filter names a table or an interface that does not exist: nothing is in it.
            if (error instanceof NetlinkError && (error.errno === ENOENT || error.errno === ENODEV))
              return [];
            throw error;
          });
      }),
    );
    return lists.flat();
  }

  /**
   * Asks which way packets to an address go.
   *
   * @param options `mark`: of the packets' socket (fwmark); `scope`: index of the interface a link-local address is on
   * @throws {NetlinkError} ENETUNREACH: there is no route; EHOSTUNREACH, EACCES, EINVAL: a route of type unreachable,
   * prohibit, blackhole refuses them
   */
  async lookup(address: string, options: { mark?: number; scope?: number } = {}): Promise<Route> {
    const what = `look up the route to ${address}`;
    const body = encodeLookup(address, options);
    const [message] = await this.#connection.request({ what, type: RTM_GETROUTE, body });
    const route = message && decodeRoute(message, {}, true);
    if (route === undefined) throw new NetlinkError(ENETUNREACH, what);
    const refusal = REFUSALS[route.type];
    if (refusal !== undefined) throw new NetlinkError(refusal, what, 'a route refuses it');
    return route;
  }

  /** Closes the socket. Requests under way fail with ECANCELED, and so does every later one. */
  close(): void {
    this.#connection.close();
  }
}

function describe(verb: string, { destination, interfaceIndex, metric, table, gateway }: RouteSpec): string {
  const words = [`${verb} route ${destination}`];
  if (gateway !== undefined) words.push(`via ${gateway}`);
  words.push(`on interface ${interfaceIndex}`);
  if (metric !== undefined) words.push(`metric ${metric}`);
  if (table !== undefined) words.push(`table ${table}`);
  return words.join(' ');
}
