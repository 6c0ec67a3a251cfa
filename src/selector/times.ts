/** How often the kernel is asked for a handshake that is being waited for, in milliseconds. It tells of none by itself. */
export const HANDSHAKE_POLL = 25;

/** How long an address is tried that the kernel seems to have no way to, in milliseconds: no `connectTimeout` is shorter. */
export const DOUBTFUL_TRY = 1_000;

/**
 * A handshake as old as this is asked for anew, in milliseconds. WireGuard renews its session after 120 s, but only when it has
 * something to send; without this an idle tunnel without keepalive would count as dead 30 s later.
 */
export const RENEW_AFTER = 125_000;

/** How soon a handshake that was asked for is looked for, in milliseconds: WireGuard itself tries again after 5 s (REKEY_TIMEOUT). */
export const RENEWED_WITHIN = 5_000;

/** How long routes are left alone after something happened to them, in milliseconds: longer while it goes on. */
export const ROUTE_REST = { first: 200, longest: 10_000 };
