import { NetlinkDecodeError } from '../errors.js';
import { NETLINK_ROUTE } from '../families.js';
import { type NetlinkMessage, NLM_F_REPLACE } from '../message.js';
import { NetlinkSubscription, type SubscriptionOptions } from '../subscription.js';
import {
  decodeInterfaceAddress,
  type InterfaceAddress,
  RTM_DELADDR,
  RTM_NEWADDR,
  RTNLGRP_IPV4_IFADDR,
  RTNLGRP_IPV6_IFADDR,
} from './interface-address.js';
import { decodeLink, type Link, RTM_DELLINK, RTM_NEWLINK, RTNLGRP_LINK } from './link.js';
import {
  decodeRoute,
  type Route,
  type RouteFilter,
  RTM_DELROUTE,
  RTM_NEWROUTE,
  RTNLGRP_IPV4_ROUTE,
  RTNLGRP_IPV6_ROUTE,
} from './route.js';
import {
  decodeRule,
  RTM_DELRULE,
  RTM_NEWRULE,
  RTNLGRP_IPV4_RULE,
  RTNLGRP_IPV6_RULE,
  type Rule,
} from './rule.js';

/** What a monitor tells. A handler that is left out costs nothing: its multicast group is not joined. */
export interface MonitorHandlers {
  /** A link is there or has changed (`new`; a rename keeps the index), or it is `gone`. */
  link?(change: 'new' | 'gone', link: Link): void;
  /**
   * An address of an interface is there or has changed (`new`: it ceases to be tentative, say), or it is gone. Those that go with
   * their interface are told of too.
   */
  address?(change: 'new' | 'gone', address: InterfaceAddress): void;
  /**
   * A route is there or has changed, or it is gone. The kernel does not tell of IPv4 routes that go with their interface when
   * it is taken down or deleted, nor of those that go with the last address of theirs: the link's or address's event says it.
   *
   * @param replaced this new route took the place of one that had its destination, table and metric, whoever made that one
   * (`ip route replace`): the kernel tells neither which it was, nor with another event that it is gone. The filter looks
   * at the new one.
   */
  route?(change: 'new' | 'gone', route: Route, replaced: boolean): void;
  /** A rule is there, or it is gone. Rules do not change, and no filter applies to them. */
  rule?(change: 'new' | 'gone', rule: Rule): void;
  /** Events were missed: read everything again. Nothing is said of what changed, nor how often. */
  lost(): void;
}

/** How a monitor behaves. */
export interface MonitorOptions extends SubscriptionOptions {
  /** Which routes to tell of. A `protocol` or `family` in it makes the others cost next to nothing. */
  routes?: RouteFilter;
}

/** Tells of changes of links, addresses, routes and rules in this network namespace as they happen. */
export class RtnetlinkMonitor {
  readonly #handlers: MonitorHandlers;
  readonly #filter: RouteFilter;
  readonly #subscription: NetlinkSubscription;

  private constructor(handlers: MonitorHandlers, options: MonitorOptions) {
    this.#handlers = handlers;
    this.#filter = options.routes ?? {};
    const groups: number[] = [];
    if (handlers.link) groups.push(RTNLGRP_LINK);
    if (handlers.address) groups.push(RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR);
    if (handlers.route) groups.push(...routeGroups(this.#filter));
    if (handlers.rule) groups.push(RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE);
    const message = (message: NetlinkMessage): void => this.#message(message);
    this.#subscription = new NetlinkSubscription(
      NETLINK_ROUTE,
      groups,
      { message, lost: () => handlers.lost() },
      options,
    );
  }

  /**
   * Begins to listen. Read the state after this, not before, and no change between the two is missed.
   *
   * @throws what opening the socket throws: an error with `errno`
   */
  static open(handlers: MonitorHandlers, options: MonitorOptions = {}): RtnetlinkMonitor {
    return new RtnetlinkMonitor(handlers, options);
  }

  /** Keep the process alive, as from the start. */
  ref(): void {
    this.#subscription.ref();
  }

  /** Do not keep the process alive. */
  unref(): void {
    this.#subscription.unref();
  }

  /** Stops. No handler is called after it. */
  close(): void {
    this.#subscription.close();
  }

  #message(message: NetlinkMessage): void {
    const { link, address, route, rule, lost } = this.#handlers;
    const { type, flags } = message;
    let tell: (() => void) | undefined;
    try {
      if (type === RTM_NEWLINK || type === RTM_DELLINK) {
        const found = decodeLink(message);
        if (found) tell = () => link?.call(this.#handlers, type === RTM_NEWLINK ? 'new' : 'gone', found);
      } else if (type === RTM_NEWADDR || type === RTM_DELADDR) {
        const found = decodeInterfaceAddress(message);
        if (found) tell = () => address?.call(this.#handlers, type === RTM_NEWADDR ? 'new' : 'gone', found);
      } else if (type === RTM_NEWROUTE || type === RTM_DELROUTE) {
        const found = decodeRoute(message, this.#filter);
        const replaced = type === RTM_NEWROUTE && (flags & NLM_F_REPLACE) !== 0;
        if (found) {
          tell = () => route?.call(this.#handlers, type === RTM_NEWROUTE ? 'new' : 'gone', found, replaced);
        }
      } else if (type === RTM_NEWRULE || type === RTM_DELRULE) {
        const found = decodeRule(message);
        if (found) tell = () => rule?.call(this.#handlers, type === RTM_NEWRULE ? 'new' : 'gone', found);
      }
    } catch (error) {
      if (!(error instanceof NetlinkDecodeError)) throw error;
      tell = () => lost.call(this.#handlers);
    }
    // Outside of the try: an error of the handler is the handler's.
    tell?.();
  }
}

function routeGroups({ family }: RouteFilter): number[] {
  if (family === 4) return [RTNLGRP_IPV4_ROUTE];
  if (family === 6) return [RTNLGRP_IPV6_ROUTE];
  return [RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE];
}
