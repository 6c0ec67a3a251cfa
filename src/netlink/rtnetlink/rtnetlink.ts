import { ERRNO } from '#platform/errno.js';
import { type ConnectionOptions, NetlinkConnection } from '../connection.js';
import { describeDevice } from '../device.js';
import { NetlinkError } from '../errors.js';
import { NETLINK_ROUTE } from '../families.js';
import { type NetlinkMessage, NLM_F_APPEND, NLM_F_CREATE, NLM_F_EXCL } from '../message.js';
import { Repeated } from '../repeated.js';
import {
  type AddressFilter,
  type AddressSpec,
  decodeInterfaceAddress,
  encodeAddressDump,
  encodeInterfaceAddress,
  type InterfaceAddress,
  RTM_DELADDR,
  RTM_GETADDR,
  RTM_NEWADDR,
} from './interface-address.js';
import {
  decodeLink,
  encodeLinkChange,
  encodeLinkRequest,
  encodeNewLink,
  type Link,
  type LinkChange,
  type LinkSpec,
  RTM_DELLINK,
  RTM_GETLINK,
  RTM_NEWLINK,
} from './link.js';
import { lookupRequest, readLookup } from './lookup.js';
import {
  decodeRoute,
  encodeRoute,
  encodeRouteDump,
  type LookupOptions,
  type Route,
  type RouteFilter,
  type RouteSpec,
  RTM_DELROUTE,
  RTM_GETROUTE,
  RTM_NEWROUTE,
} from './route.js';
import {
  decodeRule,
  encodeRule,
  encodeRuleDump,
  RTM_DELRULE,
  RTM_GETRULE,
  RTM_NEWRULE,
  type Rule,
  type RuleFilter,
  type RuleSpec,
} from './rule.js';
import {
  describeAddress,
  describeRoute,
  describeRule,
  EXPLAIN_ADDRESS,
  EXPLAIN_LINK,
  EXPLAIN_ROUTE,
  EXPLAIN_RULE,
  NO_IPV6,
} from './words.js';

const { EEXIST, ENODEV, ENOENT, EOPNOTSUPP } = ERRNO;

/**
 * Links, addresses, routes and rules of this network namespace (rtnetlink(7)).
 *
 * Every method rejects with {@link NetlinkError} when the kernel refuses and with NetlinkTimeoutError when its timeout
 * passes; an argument that cannot be sent rejects with NetlinkEncodeError. Reading needs no rights, changing
 * needs CAP_NET_ADMIN (EPERM).
 */
export class Rtnetlink {
  readonly #connection: NetlinkConnection;

  private constructor(options?: ConnectionOptions) {
    this.#connection = new NetlinkConnection(NETLINK_ROUTE, options);
  }

  /** @param options `timeout` in milliseconds for each request, default 5000; see {@link ConnectionOptions} */
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
   * Makes a virtual link, whose kind's module is loaded where it is one.
   *
   * @throws {NetlinkError} EEXIST: there is one of that name; EOPNOTSUPP: this kernel has no such kind
   */
  async addLink(link: LinkSpec): Promise<void> {
    const what = `make interface ${link.name} of kind ${link.kind}`;
    const flags = NLM_F_CREATE | NLM_F_EXCL;
    const body = encodeNewLink(link);
    const explain = { ...EXPLAIN_LINK, [EOPNOTSUPP]: 'this kernel has no interfaces of that kind' };
    await this.#connection.request({ what, type: RTM_NEWLINK, flags, body, explain });
  }

  /**
   * Changes a link.
   *
   * @throws {NetlinkError} ENODEV: there is none with this index; EADDRINUSE, when one of WireGuard is to be up: another socket has
   *   its listen port
   */
  async changeLink(index: number, change: LinkChange): Promise<void> {
    const what = `change interface ${describeDevice(index)}`;
    const body = encodeLinkChange(index, change);
    await this.#connection.request({ what, type: RTM_NEWLINK, body, explain: EXPLAIN_LINK });
  }

  /** Removes a virtual link. @throws {NetlinkError} ENODEV: there is none with this index; EOPNOTSUPP: it is not virtual */
  async removeLink(index: number): Promise<void> {
    const what = `remove interface ${describeDevice(index)}`;
    const body = encodeLinkChange(index);
    await this.#connection.request({ what, type: RTM_DELLINK, body, explain: EXPLAIN_LINK });
  }

  /**
   * Gives an interface an address.
   *
   * @throws {NetlinkError} EEXIST: it has it; EACCES: IPv6 is disabled on the interface; EINVAL: its MTU is too small for
   *   IPv6; ENODEV: it is gone
   */
  async addAddress(address: AddressSpec): Promise<void> {
    const what = describeAddress('add', address);
    const flags = NLM_F_CREATE | NLM_F_EXCL;
    const body = encodeInterfaceAddress(address);
    await this.#connection.request({ what, type: RTM_NEWADDR, flags, body, explain: EXPLAIN_ADDRESS });
  }

  /** Takes an address from an interface. @throws {NetlinkError} EADDRNOTAVAIL: it has no such address */
  async removeAddress(address: AddressSpec): Promise<void> {
    const what = describeAddress('remove', address);
    const body = encodeInterfaceAddress(address);
    await this.#connection.request({ what, type: RTM_DELADDR, body, explain: EXPLAIN_ADDRESS });
  }

  /**
   * Lists addresses of interfaces, of all interfaces and both families if the filter does not say otherwise.
   *
   * As with {@link routes}, the kernel applies the filter where it checks strictly, and it is applied here in any case.
   */
  addresses(filter: AddressFilter = {}): Promise<InterfaceAddress[]> {
    return this.#dumpFamilies('addresses', filter, (family) => ({
      type: RTM_GETADDR,
      body: encodeAddressDump(family, filter.interfaceIndex),
      decode: (message) => decodeInterfaceAddress(message, { ...filter, family }),
    }));
  }

  /**
   * Installs a route.
   *
   * Alone (the default), it is refused where any route to its destination with its metric is in its table, through whatever
   * interface, and whoever made it. With `append` it may stand behind such routes, which go on to come first: fe80::1/128
   * once for each interface, say. Then only its like is refused, and what that is differs: for IPv6 a route
   * through the same interface and gateway, whoever made it; for IPv4 one with the same protocol besides. So either
   * way a second call is refused and changes nothing.
   *
   * @param options `append`: see above
   * @throws {NetlinkError} EEXIST: see above; ENETDOWN: the interface is down; ENODEV: it is gone, or has no
   *   IPv6 for a route of that family
   */
  async addRoute(route: RouteSpec, { append = false }: { append?: boolean } = {}): Promise<void> {
    const what = describeRoute(append ? 'append' : 'add', route);
    const flags = NLM_F_CREATE | (append ? NLM_F_APPEND : NLM_F_EXCL);
    const explain = {
      ...EXPLAIN_ROUTE,
      ...(append ? { [EEXIST]: 'this very route is there already' } : {}),
      ...(route.destination.includes(':') ? { [ENODEV]: NO_IPV6 } : {}),
    };
    await this.#connection.request({ what, type: RTM_NEWROUTE, flags, body: encodeRoute(route), explain });
  }

  /**
   * Removes a route, if interface, protocol, table and metric are the given ones. (IPv4 takes a metric of 0 for any.)
   *
   * @throws {NetlinkError} ESRCH: there is no such route
   */
  async removeRoute(route: RouteSpec): Promise<void> {
    const what = describeRoute('remove', route);
    await this.#connection.request({
      what,
      type: RTM_DELROUTE,
      body: encodeRoute(route),
      explain: EXPLAIN_ROUTE,
    });
  }

  /**
   * Lists routes, of all tables and both families if the filter does not say otherwise.
   *
   * The kernel applies the filter where it checks strictly (NETLINK_GET_STRICT_CHK: SocketFeatures.strictDump). It is applied
   * here in any case.
   */
  routes(filter: RouteFilter = {}): Promise<Route[]> {
    return this.#dumpFamilies('routes', filter, (family) => ({
      type: RTM_GETROUTE,
      body: encodeRouteDump(family, filter),
      // A kernel without IPv6 answers with the routes of all families it has, so the family is a filter too.
      decode: (message) => decodeRoute(message, { ...filter, family }),
    }));
  }

  /**
   * Installs a rule: which table packets look for their route in. Without a priority the kernel gives it one that no other has.
   *
   * @throws {NetlinkError} EEXIST: there is this very rule already
   */
  async addRule(rule: RuleSpec): Promise<void> {
    const [what, body] = [describeRule('add', rule), encodeRule(rule)];
    const flags = NLM_F_CREATE | NLM_F_EXCL;
    await this.#connection.request({ what, type: RTM_NEWRULE, flags, body, explain: EXPLAIN_RULE });
  }

  /**
   * Removes the first rule that has all that is given.
   *
   * @throws {NetlinkError} ENOENT: there is no such rule
   */
  async removeRule(rule: RuleSpec): Promise<void> {
    const [what, body] = [describeRule('remove', rule), encodeRule(rule)];
    await this.#connection.request({ what, type: RTM_DELRULE, body, explain: EXPLAIN_RULE });
  }

  /** Lists rules, of both families if the filter does not say otherwise, in the order in which they are asked. */
  rules(filter: RuleFilter = {}): Promise<Rule[]> {
    return this.#dumpFamilies('rules', filter, (family) => ({
      type: RTM_GETRULE,
      body: encodeRuleDump(family),
      decode: (message) => decodeRule(message, { ...filter, family }),
    }));
  }

  /**
   * Asks which way packets to an address go.
   *
   * @throws {NetlinkError} ENETUNREACH: there is no route; EHOSTUNREACH, EACCES, EINVAL: a route of type unreachable,
   * prohibit, blackhole refuses them; ENODEV: there is no such interface
   */
  async lookup(address: string, options: LookupOptions = {}): Promise<Route> {
    const request = lookupRequest(address, options);
    return readLookup(request, await this.#connection.request(request));
  }

  /** A lookup to be made again and again: its question is encoded once, and an answer that is the one before is the same object. */
  repeatedLookup(address: string, options: LookupOptions = {}): Repeated<Route> {
    const request = lookupRequest(address, options);
    return new Repeated(this.#connection, request, false, {
      read: (messages) => readLookup(request, messages),
    });
  }

  /** Closes the socket. Requests under way fail with ECANCELED, and so does every later one. */
  close(): void {
    this.#connection.close();
  }

  async #dumpFamilies<T>(
    things: string,
    filter: { family?: 4 | 6 },
    dumpOf: (family: 4 | 6) => {
      type: number;
      body: Uint8Array;
      decode(message: NetlinkMessage): T | undefined;
    },
  ): Promise<T[]> {
    const families = filter.family === undefined ? ([4, 6] as const) : [filter.family];
    const lists = await Promise.all(
      families.map((family) => {
        const { decode, ...request } = dumpOf(family);
        return this.#connection
          .dump({ what: `list IPv${family} ${things}`, ...request }, decode)
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
}
