export {
  type NetlinkSocket,
  type OpenSocket,
  openSocket,
  type SocketHandlers,
  type SocketOptions,
} from '#platform/netlink.js';
export { canonicalPrefix } from './address.js';
export { AttributeReader } from './attribute-reader.js';
export { AttributeWriter } from './attribute-writer.js';
export { type ConnectionOptions, NetlinkConnection } from './connection.js';
export {
  NetlinkDecodeError,
  NetlinkEncodeError,
  NetlinkError,
  NetlinkTimeoutError,
  NetlinkUnavailableError,
} from './errors.js';
export { NETLINK_GENERIC, NETLINK_ROUTE } from './families.js';
export {
  type GenericFamily,
  GenericNetlink,
  type GenericRequest,
  genericReader,
  genericWriter,
} from './generic.js';
export type { NetlinkMessage } from './message.js';
export { type Reading, Repeated } from './repeated.js';
export type { NetlinkRequest } from './request.js';
export type { AddressFilter, AddressSpec, InterfaceAddress } from './rtnetlink/interface-address.js';
export {
  IFF_LOOPBACK,
  IFF_POINTOPOINT,
  IFF_RUNNING,
  IFF_UP,
  type Link,
  type LinkChange,
  type LinkSpec,
} from './rtnetlink/link.js';
export { type MonitorHandlers, type MonitorOptions, RtnetlinkMonitor } from './rtnetlink/monitor.js';
export {
  IPV6_DEFAULT_METRIC,
  type LookupOptions,
  ROUTE_PROTOCOL,
  ROUTE_TABLE_MAIN,
  type Route,
  type RouteFilter,
  type RouteSpec,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_UNIVERSE,
  RTN_UNICAST,
  RTN_UNREACHABLE,
} from './rtnetlink/route.js';
export { Rtnetlink } from './rtnetlink/rtnetlink.js';
export {
  FR_ACT_BLACKHOLE,
  FR_ACT_PROHIBIT,
  FR_ACT_TO_TBL,
  FR_ACT_UNREACHABLE,
  type Rule,
  type RuleFilter,
  type RuleMark,
  type RuleSpec,
} from './rtnetlink/rule.js';
export { NetlinkSubscription, type SubscriptionHandlers, type SubscriptionOptions } from './subscription.js';
export { SecretKey } from './wireguard/keys.js';
export type {
  Endpoint,
  WireGuardConfig,
  WireGuardDevice,
  WireGuardPeer,
  WireGuardPeerConfig,
} from './wireguard/types.js';
export { WireGuard } from './wireguard/wireguard.js';
