export { canonicalPrefix } from './address.js';
export { AttributeReader } from './attribute-reader.js';
export { AttributeWriter } from './attribute-writer.js';
export { type ConnectionOptions, NetlinkConnection, type NetlinkRequest } from './connection.js';
export { NetlinkDecodeError, NetlinkEncodeError, NetlinkError, NetlinkTimeoutError } from './errors.js';
export {
  type GenericFamily,
  GenericNetlink,
  type GenericRequest,
  genericReader,
  genericWriter,
} from './generic.js';
export { SecretKey } from './keys.js';
export { IFF_LOOPBACK, IFF_POINTOPOINT, IFF_RUNNING, IFF_UP, type Link } from './link.js';
export type { NetlinkMessage } from './message.js';
export { type MonitorHandlers, type MonitorOptions, RtnetlinkMonitor } from './monitor.js';
export { ROUTE_PROTOCOL, ROUTE_TABLE_MAIN, type Route, type RouteFilter, type RouteSpec } from './route.js';
export { Rtnetlink } from './rtnetlink.js';
export {
  NETLINK_GENERIC,
  NETLINK_ROUTE,
  type NetlinkSocket,
  type OpenSocket,
  openSocket,
  type SocketHandlers,
  type SocketOptions,
} from './socket.js';
export { NetlinkSubscription, type SubscriptionHandlers, type SubscriptionOptions } from './subscription.js';
export { WireGuard } from './wireguard.js';
export type {
  Endpoint,
  WireGuardConfig,
  WireGuardDevice,
  WireGuardPeer,
  WireGuardPeerConfig,
} from './wireguard-types.js';
