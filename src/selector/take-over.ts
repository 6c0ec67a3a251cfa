import { HandshakeAge } from './handshake.js';
import type { InstalledPeer, Peer } from './world.js';

/** A connection that was found working. */
export interface Working {
  readonly peer: Peer;
  readonly entry: InstalledPeer;
  readonly handshake: HandshakeAge;
  /** Milliseconds since its latest handshake. */
  readonly age: number;
}

/** What the found connections are judged by. Times are in milliseconds. */
export interface Judgement {
  /** The peers that may be kept. */
  readonly peers: readonly Peer[];
  /** The connection that this process has watched itself, on the clock that does not jump. */
  readonly watched: { readonly publicKey: string | undefined; readonly handshake: HandshakeAge };
  /** Monotonic. */
  readonly now: number;
  /** CLOCK_REALTIME. */
  readonly wallClock: number;
  /** A handshake as old as this proves nothing. */
  readonly limit: number;
}

/** Of the peers that are on the interface, the one whose connection works, with the youngest handshake. */
export function findWorking(installed: readonly InstalledPeer[], judgement: Judgement): Working | undefined {
  const { peers, watched, now, wallClock, limit } = judgement;
  const working = installed.flatMap((entry) => {
    const peer = peers.find(({ publicKey }) => publicKey === entry.publicKey);
    const handshake = entry.publicKey === watched.publicKey ? watched.handshake : new HandshakeAge();
    handshake.observe(entry.lastHandshake, now, wallClock);
    const age = handshake.age(now);
    return peer === undefined || age === undefined || age >= limit ? [] : [{ peer, entry, handshake, age }];
  });
  return working.sort((one, other) => one.age - other.age)[0];
}
