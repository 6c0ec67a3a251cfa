import type { LinkState, Peer, Remote, RouteReport } from './world.js';

/**
 * What the selector is doing.
 * - `waiting-for-interface`: the interface is absent or down.
 * - `setting-clock`: the time of day may be wrong, and is being asked for; this lasts seconds, `ntp_timeout` at most.
 * - `connecting`: looking for a peer that answers.
 * - `established`: the latest handshake with the peer is young enough.
 * - `pausing`: no peer is usable at all; it tries again after a while, or when the network changes.
 * - `stopped`: it has removed what it had installed.
 */
export type State =
  | 'waiting-for-interface'
  | 'setting-clock'
  | 'connecting'
  | 'established'
  | 'pausing'
  | 'stopped';

/** What happened, for the log, the bus and whoever counts. Durations are in milliseconds. */
export type SelectorEvent =
  /** The interface is not there or not up; everything waits for it. */
  | { readonly type: 'interface-missing'; readonly link: Exclude<LinkState, 'up'> }
  | { readonly type: 'interface-up' }
  /** A handshake with this address begins. */
  | { readonly type: 'trying'; readonly peer: Peer; readonly remote: Remote }
  | {
      readonly type: 'connected';
      readonly peer: Peer;
      readonly remote: Remote;
      /** From the installation of the peer to the handshake. */
      readonly handshake: number;
      readonly routes: RouteReport;
    }
  /** A connection that worked already was found and taken over as it is. */
  | {
      readonly type: 'kept';
      readonly peer: Peer;
      readonly handshakeAge: number;
      readonly routes: RouteReport;
    }
  | {
      readonly type: 'failed';
      readonly peer: Peer;
      /** The address that was tried; none where there was nothing to try. */
      readonly remote: Remote | undefined;
      readonly reason: string;
      /** Rounds since the last connection, from 1: the same failure again is no news. */
      readonly round: number;
    }
  | { readonly type: 'lost'; readonly peer: Peer; readonly reason: string; readonly held: number }
  /** Routes that somebody took away are back, or cannot be put back. */
  | { readonly type: 'routes-restored'; readonly peer: Peer; readonly routes: RouteReport }
  /** Somebody had changed something of ours beside the routes; it is again as configured. */
  | { readonly type: 'mended'; readonly peer: Peer; readonly what: string }
  /** A peer of ours that a former run left behind was removed. */
  | { readonly type: 'leftover-removed'; readonly peer: Peer | undefined; readonly publicKey: string }
  /** All peers of a round were tried. */
  | { readonly type: 'round-over'; readonly round: number; readonly disconnected: number }
  /** Nothing is usable: the next try comes after so long, or when the network changes. */
  | { readonly type: 'pausing'; readonly duration: number }
  /** Something that should not happen; the selector reads the kernel's state and goes on. */
  | { readonly type: 'trouble'; readonly error: unknown }
  | { readonly type: 'stopped' };

/** What the selector holds or is trying at the moment. */
export interface Snapshot {
  readonly state: State;
  /** Monotonic milliseconds at which the state began. */
  readonly since: number;
  /** The peer that is being tried or held. */
  readonly peer: Peer | undefined;
  readonly remote: Remote | undefined;
  /** Milliseconds since the latest handshake of the held peer. */
  readonly handshakeAge: number | undefined;
  readonly routes: RouteReport;
  /** Names of the peers that this round has tried, and has still to try. */
  readonly tried: readonly string[];
  readonly untried: readonly string[];
}
