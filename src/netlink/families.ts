/** A netlink family (linux/netlink.h): links, addresses, routes, rules. */
export const NETLINK_ROUTE = 0;
/** A netlink family: that of {@link GenericNetlink}, which has families of its own. */
export const NETLINK_GENERIC = 16;
