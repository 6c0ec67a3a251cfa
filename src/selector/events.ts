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

/**
 * Why a connection was lost.
 * - `handshake-too-old`: no handshake for `deadPeerTimeout`.
 * - `no-answer`: what was sent had to be answered, and was not.
 * - `no-data`: the peer answers, but what is behind it does not.
 * - `interface-gone`: the interface went down or vanished.
 * - `removed-by-others`: somebody else took the peer off the interface.
 * - `told-to`: by a command, a change of the configuration, or the end of the daemon.
 * - `better-peer`: another is preferred, and answers.
 * - `max-age`: it was held for as long as is wished.
 * - `trouble`: something that should not happen.
 */
export type LossCode =
  | 'handshake-too-old'
  | 'no-answer'
  | 'no-data'
  | 'interface-gone'
  | 'removed-by-others'
  | 'told-to'
  | 'better-peer'
  | 'max-age'
  | 'trouble';

/**
 * Why an attempt has failed.
 * - `no-handshake`: it was asked, and has not answered in time.
 * - `no-address`: its name does not resolve, or to nothing that can be a gateway's.
 * - `refused`: it cannot be used as it is configured, say with the interface's own key.
 * - `interrupted`: something else came between: a command, a change of the configuration or of the interface.
 * - `trouble`: the kernel has refused something.
 */
export type FailureCode = 'no-handshake' | 'no-address' | 'refused' | 'interrupted' | 'trouble';

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
      /** What was tried, where the gateway has asked for the handshake itself, from another address: `remote`. */
      readonly tried?: Remote | undefined;
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
      readonly code: FailureCode;
      /** The same in words. */
      readonly reason: string;
      /** Rounds since the last connection, from 1: the same failure again is no news. */
      readonly round: number;
    }
  | {
      readonly type: 'lost';
      readonly peer: Peer;
      readonly code: LossCode;
      /** The same in words. */
      readonly reason: string;
      readonly held: number;
    }
  /** It seems to be dead, and is put to the test. */
  | { readonly type: 'suspected'; readonly peer: Peer; readonly reason: string }
  /** The test has shown that it lives. */
  | {
      readonly type: 'proven';
      readonly peer: Peer;
      readonly reason: string;
      /** How many handshakes it took. */
      readonly knocks: number;
    }
  /** A dead peer will be noticed later, because nothing can be sent to it through the tunnel. */
  | { readonly type: 'not-probed'; readonly peer: Peer; readonly reason: string }
  /** A peer was tried beside the one that is held, which has lost nothing by it. */
  | {
      readonly type: 'tried-beside';
      readonly peer: Peer;
      /** The address that was tried; none where there was nothing to try. */
      readonly remote: Remote | undefined;
      /** From the initiation of the handshake to its end; none without a handshake. */
      readonly roundTrip: number | undefined;
      /** Why there was no handshake. */
      readonly reason: string | undefined;
    }
  /** Routes that somebody took away are back, or cannot be put back. */
  | { readonly type: 'routes-restored'; readonly peer: Peer; readonly routes: RouteReport }
  /** Somebody had changed something of ours beside the routes; it is again as configured. */
  | { readonly type: 'mended'; readonly peer: Peer; readonly what: string }
  /** A peer of ours that a former run left behind was removed. */
  | { readonly type: 'leftover-removed'; readonly peer: Peer | undefined; readonly publicKey: string }
  /** All peers of a round were tried. */
  | {
      readonly type: 'round-over';
      readonly round: number;
      readonly disconnected: number;
      /** Each had its time, and none has answered. */
      readonly silent: boolean;
    }
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
  /** Milliseconds that its handshake takes to and fro, as far as that is known. */
  readonly roundTrip: number | undefined;
  /** Milliseconds since something came in from it, not more. */
  readonly silence: number | undefined;
  readonly routes: RouteReport;
  /** Names of the peers that this round has tried, and has still to try. */
  readonly tried: readonly string[];
  readonly untried: readonly string[];
}
