import type { Config } from '../config/index.js';
import { formatEndpoint, type PeerConfig } from '../config/index.js';
import type { JsonTable } from '../json.js';
import type { SelectorEvent, Snapshot, State } from '../selector/events.js';
import { formatRemote, type InstalledPeer } from '../selector/world.js';
import { VERSION } from '../version.js';
import type { Lead } from './rules-of-ours.js';
import type { TimeStatus } from './time-keeper.js';

/** How many failures are remembered for the person who asks. */
const REMEMBERED = 10;

interface Failure {
  readonly at: number;
  readonly peer: string;
  readonly remote: string | undefined;
  readonly reason: string;
}

/** The latest failures and losses of one interface. */
export class History {
  readonly #failures: Failure[] = [];
  readonly #now: () => number;

  /** @param now monotonic milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  take(event: SelectorEvent): void {
    if (event.type !== 'failed' && event.type !== 'lost') return;
    const remote = event.type === 'failed' && event.remote ? formatRemote(event.remote) : undefined;
    this.#failures.unshift({ at: this.#now(), peer: event.peer.name, remote, reason: event.reason });
    this.#failures.length = Math.min(this.#failures.length, REMEMBERED);
  }

  /** Newest first; times as seconds ago, because the wall clock may have been set in between. */
  table(): JsonTable[] {
    return this.#failures.map(({ at, peer, remote, reason }) => ({
      ago: seconds(this.#now() - at),
      peer,
      ...(remote === undefined ? {} : { remote_address: remote }),
      reason,
    }));
  }
}

/**
 * The answer of `status`, as the field's tools read it: for each enabled peer, in order of configuration, either `false` or how
 * many whole seconds ago the connection was made.
 *
 * @param now monotonic milliseconds
 */
export function statusTable(peers: readonly PeerConfig[], snapshot: Snapshot, now: number): JsonTable {
  const established = snapshot.state === 'established' ? snapshot.peer?.name : undefined;
  // A map, because an object would put names that are numbers first.
  const table = new Map(
    peers.map(({ name }) => [
      name,
      name === established ? { established: seconds(now - snapshot.since) } : false,
    ]),
  );
  return { peers: table };
}

/** States in words. */
export const STATE_WORDS: Readonly<Record<State, string>> = {
  'waiting-for-interface': 'waiting for the interface',
  'setting-clock': 'setting the clock',
  connecting: 'connecting',
  established: 'connected',
  pausing: 'no peer is usable, pausing',
  stopped: 'stopped',
};

/** What is going on, in a line that is the same as long as that is: `connected to gw1 at 192.0.2.1:51820`. */
export function stateText({ state, peer, remote }: Snapshot): string {
  const words = STATE_WORDS[state];
  if (state !== 'established' || peer === undefined) return words;
  return `${words} to ${peer.name}${remote === undefined ? '' : ` at ${formatRemote(remote)}`}`;
}

/** What {@link infoTable} puts together. Times are monotonic milliseconds. */
export interface InfoSource {
  readonly snapshot: Snapshot;
  readonly installed: InstalledPeer | undefined;
  /** What a full tunnel leads where; none where there is no such rule. */
  readonly led: Lead | undefined;
  readonly history: History;
  readonly time: TimeStatus;
  readonly now: number;
  readonly started: number;
}

/** The answer of `info`: everything that a person who looks for a fault wants to know. Durations in whole seconds, but for the round trip. */
export function infoTable({ snapshot, installed, led, history, time, now, started }: InfoSource): JsonTable {
  const { state, since, peer, remote, handshakeAge, roundTrip, silence, routes, tried, untried } = snapshot;
  return {
    version: VERSION,
    uptime: seconds(now - started),
    state,
    since: seconds(now - since),
    ...(peer === undefined ? {} : { peer: peer.name, public_key: peer.publicKey }),
    ...(remote === undefined ? {} : { remote_address: formatRemote(installed?.endpoint ?? remote) }),
    ...(handshakeAge === undefined ? {} : { handshake_age: seconds(handshakeAge) }),
    ...(roundTrip === undefined ? {} : { round_trip_ms: Math.round(roundTrip) }),
    ...(silence === undefined ? {} : { silence: seconds(silence) }),
    ...(installed === undefined ? {} : { rx_bytes: installed.rxBytes, tx_bytes: installed.txBytes }),
    routes: [...routes.installed],
    ...(led === undefined ? {} : { full_tunnel: describeLead(led) }),
    route_conflicts: routes.conflicts.map(({ destination, reason }) => ({ destination, reason })),
    round: { tried: [...tried], untried: [...untried] },
    failures: history.table(),
    clock: {
      state: time.state,
      plausible: time.plausible,
      ...(time.message === undefined ? {} : { message: time.message }),
      ...(time.stepped === undefined ? {} : { stepped: Math.round(time.stepped) }),
    },
  };
}

function describeLead({ families, table, mark }: Lead): JsonTable {
  return { ipv4: families.includes(4), ipv6: families.includes(6), table, mark };
}

/** The answer of `peers`: what is configured for an interface, disabled peers too, without secrets. */
export function peersTable(config: Config, ifname: string): JsonTable {
  const place = ({ line }: PeerConfig): number => line || Number.POSITIVE_INFINITY;
  const both = [...config.peers(ifname), ...config.disabledPeers(ifname)];
  const all = both.sort((a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)));
  return { peers: new Map(all.map((peer) => [peer.name, describe(peer)])) };
}

function describe(peer: PeerConfig): JsonTable {
  return {
    enabled: peer.enabled,
    public_key: peer.publicKey,
    endpoints: peer.endpoints.map(formatEndpoint),
    allowed_ips: [...peer.allowedIps],
    persistent_keepalive: peer.persistentKeepalive,
    preshared_key: peer.presharedKey !== undefined,
    priority: peer.priority,
    weight: peer.weight,
    run_time: peer.line === 0,
  };
}

/** What the bus is told of an event; nothing for those that only the log cares about. */
export function eventTable(event: SelectorEvent): { type: string; data: JsonTable } | undefined {
  switch (event.type) {
    case 'connected':
      return {
        type: 'established',
        data: {
          state: 'established',
          peer: event.peer.name,
          remote_address: formatRemote(event.remote),
          handshake_ms: Math.round(event.handshake),
        },
      };
    case 'kept':
      return { type: 'established', data: { state: 'established', peer: event.peer.name, kept: true } };
    case 'lost':
      return {
        type: 'lost',
        data: {
          state: 'lost',
          peer: event.peer.name,
          code: event.code,
          reason: event.reason,
          established: seconds(event.held),
        },
      };
    case 'failed':
      return {
        type: 'failed',
        data: {
          state: 'failed',
          peer: event.peer.name,
          ...(event.remote === undefined ? {} : { remote_address: formatRemote(event.remote) }),
          code: event.code,
          reason: event.reason,
        },
      };
    default:
      return undefined;
  }
}

function seconds(milliseconds: number): number {
  return Math.max(0, Math.floor(milliseconds / 1000));
}
