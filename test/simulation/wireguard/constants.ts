/** WireGuard's own numbers, as drivers/net/wireguard/messages.h of Linux has them. Times in milliseconds, sizes in bytes. */

/** The initiator renews a session of this age when it sends. */
export const REKEY_AFTER_TIME = 120_000;
/** Nobody uses a session of this age. */
export const REJECT_AFTER_TIME = 180_000;
/** Between two initiations. */
export const REKEY_TIMEOUT = 5_000;
/** Added to that at random. */
export const REKEY_TIMEOUT_JITTER = 1_000 / 3;
/** Whoever has received data answers within this. */
export const KEEPALIVE_TIMEOUT = 10_000;
/** Further attempts after the first initiation and its retry: 90 s in all. */
export const MAX_TIMER_HANDSHAKES = 18;
/** Packets that wait for a session. */
export const MAX_STAGED_PACKETS = 128;
/** Two initiations of one peer are this far apart, or the second is refused. */
export const INITIATION_INTERVAL = 1_000 / 50;
/** The clock in initiations goes in steps of so much: the greatest power of two, in nanoseconds, within the interval. */
export const TIMESTAMP_STEP = 2 ** 24 / 1e6;

export const INITIATION_SIZE = 148;
export const RESPONSE_SIZE = 92;
/** A data packet without content: a keepalive. */
export const KEEPALIVE_SIZE = 32;
/** Content is padded to a multiple of this. */
export const PADDING = 16;
/** Of the WireGuard interface. */
export const MTU = 1_420;
