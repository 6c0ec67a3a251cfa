/**
 * Netlink numbers are in the byte order of the machine (RFC 3549, section 2.2). True on little-endian machines:
 * the last argument of DataView's methods.
 */
export const LITTLE_ENDIAN = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
