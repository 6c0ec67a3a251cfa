/** A client for ubus, OpenWrt's message bus, that speaks its wire protocol. See the README for a tour. */
export {
  decodeBlobmsg,
  double,
  encodeBlobmsg,
  int8,
  int16,
  int32,
  int64,
  type Table,
  type TableInput,
  type Typed,
  type Value,
  type ValueInput,
} from './blobmsg.js';
export { BlobError, STATUSES, type Status, UbusError } from './errors.js';
export type { Answer, Invocation } from './invocation.js';
export type { EventHandler, Listener } from './listener.js';
export type { ObjectInfo } from './lookup.js';
export type { Method, Methods, PublishedObject, PublishOptions } from './object.js';
export type { Arguments, ArgumentType, Policy } from './policy.js';
export type { UbusOptions } from './session.js';
export type { SubscribeOptions, Subscription } from './subscription.js';
export { type CallOptions, Ubus } from './ubus.js';
