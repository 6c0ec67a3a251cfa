import type { DatagramHandlers } from '../../src/platform/datagram.js';
import { decodePacket, encodePacket, type NtpPacket } from '../../src/sntp/packet.js';
import { ntpFromUnix } from '../../src/sntp/timestamp.js';
import { type NameResolver, system, type World } from '../../src/sntp/world.js';

/** What a simulated server does with a question; undefined for silence. */
export interface FakeServer {
  /** Seconds its clock is off. */
  shift?: number;
  /** Milliseconds each way. Default 10. */
  path?: number;
  silent?: boolean;
  packet?: Partial<NtpPacket>;
}

interface Timer {
  at: bigint;
  order: number;
  callback: () => void;
}

/** A network, its DNS, and both clocks, simulated: hours pass in milliseconds, and the same every time. */
export class FakeWorld implements World {
  /** The true time in ns since 1970; the wall clock is this plus `clockError`. */
  trueNs = BigInt(Date.parse('2026-12-01T00:00:00Z')) * 1_000_000n;
  /** Seconds that the wall clock is ahead of the truth. */
  clockError = 0;
  /** Servers by address. */
  readonly servers = new Map<string, FakeServer>();
  /** Addresses by name; an Error is what DNS says, a function is asked each time. Missing: no answer at all. */
  readonly names = new Map<string, string[] | Error | (() => string[] | Error)>();
  /** Questions by address, in the order they were sent, with the time in seconds since the start. */
  readonly sent: { address: string; at: number }[] = [];
  resolversOpened = 0;
  resolversCancelled = 0;
  socketsOpen = 0;
  readonly #startNs = this.trueNs;
  #timers: Timer[] = [];
  #order = 0;
  #random = 1;

  wallClock(): number {
    return Number(this.trueNs / 1000n) / 1000 + this.clockError * 1000;
  }

  monotonic(): bigint {
    return this.trueNs - this.#startNs + 77n;
  }

  /** A fixed sequence: not for secrets. */
  random(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => {
      this.#random = (this.#random * 48271) % 0x7fffffff;
      return this.#random & 0xff;
    });
  }

  setTimer(milliseconds: number, callback: () => void): () => void {
    const timer = {
      at: this.trueNs + BigInt(Math.round(milliseconds * 1e6)),
      order: this.#order++,
      callback,
    };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  openSocket(_family: 4 | 6, events: DatagramHandlers) {
    let open = true;
    this.socketsOpen += 1;
    this.setTimer(0, () => open && events.ready());
    return {
      send: (bytes: Uint8Array, to: { address: string; port: number }) => {
        this.sent.push({ address: to.address, at: this.seconds });
        const server = this.servers.get(to.address);
        // As the kernel does: the error comes at once, and the question has not left.
        if (server === undefined) throw new Error(`send ENETUNREACH ${to.address}:${to.port}`);
        this.setTimer(0, () => open && events.sent());
        if (server.silent) return;
        const { shift = 0, path = 10, packet } = server;
        this.setTimer(path, () => {
          const now = ntpFromUnix(this.trueNs + BigInt(Math.round(shift * 1e9)));
          const answer = encodePacket({
            ...decodePacket(new Uint8Array(48)),
            version: 4,
            mode: 4,
            stratum: 1,
            origin: decodePacket(bytes).transmit,
            receive: now,
            transmit: now,
            ...packet,
          });
          this.setTimer(path, () => open && events.message(answer, to));
        });
      },
      close: () => {
        if (open) this.socketsOpen -= 1;
        open = false;
      },
    };
  }

  openResolver(): NameResolver {
    this.resolversOpened += 1;
    const answer = (name: string, family: 4 | 6) =>
      new Promise<string[]>((resolve, reject) => {
        const entry = this.names.get(name);
        if (entry === undefined) return;
        this.setTimer(5, () => {
          const value = typeof entry === 'function' ? entry() : entry;
          if (value instanceof Error) {
            reject(value);
            return;
          }
          const found = value.filter((address) => address.includes(':') === (family === 6));
          if (found.length > 0) resolve(found);
          else reject(Object.assign(new Error('no data'), { code: 'ENODATA' }));
        });
      });
    return {
      resolve4: (name) => answer(name, 4),
      resolve6: (name) => answer(name, 6),
      cancel: () => (this.resolversCancelled += 1),
    };
  }

  /** The machine sleeps for so many seconds: the truth and the time since boot go on, timers stand still. */
  sleep(seconds: number): void {
    const ns = BigInt(Math.round(seconds * 1e9));
    this.trueNs += ns;
    for (const timer of this.#timers) timer.at += ns;
  }

  /** Seconds since the start. */
  get seconds(): number {
    return Number(this.trueNs - this.#startNs) / 1e9;
  }

  get timersPending(): number {
    return this.#timers.length;
  }

  /** Lets so many seconds pass, with all that happens in them. */
  async pass(seconds: number): Promise<void> {
    const end = this.trueNs + BigInt(Math.round(seconds * 1e9));
    for (;;) {
      // Promises settle between two events, as they would.
      await new Promise((resolve) => setImmediate(resolve));
      const [next] = this.#timers
        .filter(({ at }) => at <= end)
        .sort((one, other) => (one.at === other.at ? one.order - other.order : one.at < other.at ? -1 : 1));
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      if (next.at > this.trueNs) this.trueNs = next.at;
      next.callback();
    }
    this.trueNs = end;
  }

  /** Itself, as the option `world`: methods bound. */
  get asWorld(): World {
    return {
      ...system,
      wallClock: () => this.wallClock(),
      monotonic: () => this.monotonic(),
      random: (count) => this.random(count),
      setTimer: (milliseconds, callback) => this.setTimer(milliseconds, callback),
      openSocket: (family, events) => this.openSocket(family, events),
      openResolver: () => this.openResolver(),
    };
  }
}
