/** One peer of a WireGuard interface: drivers/net/wireguard/{send,receive,noise}.c of Linux, without the cryptography. */

import {
  INITIATION_INTERVAL,
  INITIATION_SIZE,
  KEEPALIVE_TIMEOUT,
  MAX_STAGED_PACKETS,
  REJECT_AFTER_TIME,
  REKEY_TIMEOUT,
  RESPONSE_SIZE,
  TIMESTAMP_STEP,
} from './constants.js';
import type { Interface } from './interface.js';
import { type Content, type Data, dataSize, type Initiation, type Packet, type Response } from './packet.js';
import { type Session, Sessions, tooOld } from './session.js';
import { PeerTimers, type TimedPeer } from './timers.js';

/** A place in the queue of what waits for a session; without content it is a keepalive. */
interface Staged {
  readonly content: Content | undefined;
}

export class SimulatedPeer implements TimedPeer {
  readonly publicKey: string;
  presharedKey: string | undefined;
  /** `address:port` where it was last. */
  endpoint: string | undefined;
  allowedIps: readonly string[] = [];
  rxBytes = 0;
  txBytes = 0;
  /** Milliseconds of CLOCK_REALTIME; 0 for none. */
  lastHandshake = 0;
  readonly #interface: Interface;
  readonly #timers: PeerTimers;
  readonly #sessions: Sessions;
  /** Index of the initiation of ours that waits for its response. */
  #initiation: number | undefined;
  #keepalive = 0;
  #staged: Staged[] = [];
  #initiatedAt = Number.NEGATIVE_INFINITY;
  /** Of the initiations that were taken. */
  #latestTimestamp = Number.NEGATIVE_INFINITY;
  #initiationTakenAt = Number.NEGATIVE_INFINITY;

  constructor(owner: Interface, publicKey: string) {
    this.#interface = owner;
    this.publicKey = publicKey;
    this.#timers = new PeerTimers(this, owner.ticks, owner.random);
    this.#sessions = new Sessions(({ local }) => owner.indices.delete(local));
  }

  get keepalive(): number {
    return this.#keepalive;
  }

  /** Seconds. From 0 to something sends a keepalive at once, and with it a handshake where there is no session. */
  set keepalive(seconds: number) {
    const starts = this.#keepalive === 0 && seconds > 0 && this.#interface.up;
    this.#keepalive = seconds;
    if (starts) this.sendKeepalive();
  }

  /** An IP packet into the tunnel. */
  send(content: Content): void {
    if (this.endpoint === undefined) return;
    while (this.#staged.length > MAX_STAGED_PACKETS) this.#staged.shift();
    this.#staged.push({ content });
    this.sendStaged();
  }

  sendKeepalive(): void {
    if (this.#staged.length === 0) this.#staged.push({ content: undefined });
    this.sendStaged();
  }

  /** Sends what waits, or else starts a handshake for it. */
  sendStaged(): void {
    if (this.#staged.length === 0 || !this.#interface.up) return;
    const { current } = this.#sessions;
    const now = this.#interface.now();
    if (current?.usable === true && !tooOld(current, now)) this.#sendData(current);
    else {
      if (current !== undefined) current.usable = false;
      this.initiate(false);
    }
  }

  #sendData(session: Session): void {
    const staged = this.#staged;
    this.#staged = [];
    this.#timers.traversal();
    this.#timers.sent();
    let dataSent = false;
    for (const { content } of staged) {
      const packet: Data = { kind: 'data', size: dataSize(content), receiver: session.remote, content };
      if (this.#transmit(packet) && content !== undefined) dataSent = true;
    }
    if (dataSent) this.#timers.dataSent();
    if (this.#sessions.isDue(this.#interface.now())) this.initiate(false);
  }

  initiate(retry: boolean): void {
    if (!retry) this.#timers.attempts = 0;
    const now = this.#interface.now();
    if (this.#initiatedAt + REKEY_TIMEOUT > now) return;
    this.#initiatedAt = now;
    this.#endHandshake();
    const sender = this.#interface.newIndex({ peer: this });
    this.#initiation = sender;
    this.#timers.traversal();
    this.#timers.sent();
    const timestamp = Math.floor(this.#interface.wallClock() / TIMESTAMP_STEP) * TIMESTAMP_STEP;
    const from = this.#interface.publicKey;
    const to = this.publicKey;
    this.#transmit({ kind: 'initiation', size: INITIATION_SIZE, from, to, sender, timestamp });
    this.#timers.initiated();
  }

  /** An initiation of this peer's has come in. */
  receiveInitiation({ sender, timestamp, size }: Initiation, from: string): void {
    const now = this.#interface.now();
    if (timestamp <= this.#latestTimestamp || this.#initiationTakenAt + INITIATION_INTERVAL > now) return;
    this.#latestTimestamp = timestamp;
    this.#initiationTakenAt = now;
    this.endpoint = from;
    this.#endHandshake(); // one of our own that was under way is lost by that
    this.#respond(sender);
    this.#count(size);
  }

  #respond(remote: number): void {
    const now = this.#interface.now();
    this.#initiatedAt = now;
    const local = this.#beginSession(false, remote);
    this.#timers.traversal();
    this.#timers.sent();
    const { presharedKey } = this;
    this.#transmit({ kind: 'response', size: RESPONSE_SIZE, sender: local, receiver: remote, presharedKey });
  }

  /** A response to the initiation of ours with this index has come in. */
  receiveResponse({ sender, presharedKey, size }: Response, from: string): void {
    const local = this.#initiation;
    if (local === undefined || presharedKey !== this.presharedKey) return;
    this.endpoint = from;
    this.#beginSession(true, sender, local);
    this.#completed();
    this.#count(size);
    this.sendKeepalive(); // or what waits: the responder cannot send before something has come
  }

  /** @returns the index of ours */
  #beginSession(
    initiator: boolean,
    remote: number,
    local = this.#interface.newIndex({ peer: this }),
  ): number {
    const session: Session = { initiator, local, remote, born: this.#interface.now(), usable: true };
    this.#initiation = undefined;
    this.#interface.indices.set(local, { peer: this, session });
    this.#sessions.add(session);
    this.#timers.sessionDerived();
    return local;
  }

  #completed(): void {
    this.#timers.handshakeComplete();
    this.lastHandshake = this.#interface.wallClock();
  }

  /** Data by a session of this peer's has come in. */
  receiveData({ content, size }: Data, session: Session, from: string): void {
    const now = this.#interface.now();
    if (tooOld(session, now)) return;
    this.endpoint = from;
    const confirmed = this.#sessions.confirm(session);
    if (confirmed) this.#completed();
    const last = REJECT_AFTER_TIME - KEEPALIVE_TIMEOUT - REKEY_TIMEOUT;
    if (!this.#timers.lastMinute && this.#sessions.isDue(now, last)) {
      this.#timers.lastMinute = true;
      this.initiate(false);
    }
    this.#timers.received();
    this.#timers.traversal();
    if (content !== undefined) this.#timers.dataReceived();
    if (confirmed) this.sendStaged(); // the kernel encrypts in another thread: what is sent is sent later than this
    if (content === undefined || this.allowedIps.length > 0) this.rxBytes += size; // else from an address it may not have
    if (content !== undefined && this.allowedIps.length > 0) this.#interface.deliver(content, this);
  }

  #count(size: number): void {
    this.rxBytes += size;
    this.#timers.received();
    this.#timers.traversal();
  }

  #transmit(packet: Packet): boolean {
    if (this.endpoint === undefined || !this.#interface.transmit(packet, this.endpoint)) return false;
    this.txBytes += packet.size;
    return true;
  }

  #endHandshake(): void {
    if (this.#initiation !== undefined) this.#interface.indices.delete(this.#initiation);
    this.#initiation = undefined;
  }

  purgeStaged(): void {
    this.#staged = [];
  }

  zeroKeys(): void {
    this.#endHandshake();
    this.#sessions.clear();
  }

  /** The interface goes down, or the peer is removed. */
  stop(): void {
    this.purgeStaged();
    this.#timers.stop();
    this.zeroKeys();
    this.#initiatedAt = Number.NEGATIVE_INFINITY;
  }
}
