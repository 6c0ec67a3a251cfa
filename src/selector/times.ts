/** How often the kernel is asked for a handshake that is being waited for, in milliseconds. It tells of none by itself. */
export const HANDSHAKE_POLL = 25;

/** The same where nobody answers, one round after the other. */
export const PATIENT_POLL = 250;

/** What changes the network often comes in several steps, in milliseconds. */
export const SETTLING = 200;

/** How long an address is tried that the kernel seems to have no way to, in milliseconds: no `connectTimeout` is shorter. */
export const DOUBTFUL_TRY = 1_000;

/**
 * A handshake as old as this is asked for anew, in milliseconds. WireGuard renews its session after 120 s, but only when it has
 * something to send; without this an idle tunnel without keepalive would count as dead 30 s later.
 */
export const RENEW_AFTER = 125_000;

/** How soon a handshake that was asked for is looked for, in milliseconds: WireGuard itself tries again after 5 s (REKEY_TIMEOUT). */
export const RENEWED_WITHIN = 5_000;

/** So long before its limit a handshake is asked for in the way that leaves the old session, in milliseconds. */
export const LAST_RENEWAL = 10_000;

/** How long routes are left alone after something happened to them, in milliseconds: longer while it goes on. */
export const ROUTE_REST = { first: 200, longest: 10_000 };

/** Ways are interrupted for so long now and then: whoever is silent for longer is worth a test. Milliseconds. */
export const INTERRUPTION = 5_000;

/**
 * Handshakes that prove a peer alive or dead. Each has three round trips' time within these bounds (milliseconds), or `unknown`, and the last a
 * little more. So many are made at least and at most, as many as make it `rare` that a living peer's are all lost. Ways are interrupted
 * for some seconds now and then: nobody is dead who was heard within `silence`, or who has owed an answer for less than `owing`; and
 * where few questions were asked before, so many are made at once, then some that are `apart`, and so many again after the `spread`.
 */
export const KNOCK = {
  shortest: 200,
  last: 600,
  unknown: 1_000,
  longest: 5_000,
  fewest: 3,
  most: 20,
  rare: 1e-5,
  silence: 8_000,
  owing: 6_000,
  spread: 5_000,
  apart: 1_000,
};
