/**
 * An NTP server for tests that can misbehave in every way a client has to expect. As a module for unit tests, and as
 * a program for network namespaces:
 *
 *     node dist/test/support/ntp-server.js --bind 192.0.2.1 --bind 2001:db8::1 --port 123 --behaviour lie --shift=-3600
 *
 * It prints "ready" when it listens and one line for each question, and ends on SIGTERM.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { decodePacket, encodePacket, type NtpPacket } from '../../src/sntp/packet.js';
import { ntpFromUnix } from '../../src/sntp/timestamp.js';

/** What a server does otherwise than a good one. Nothing set: a good server of stratum 2. */
export interface Behaviour {
  /** Seconds by which its clock differs from its idea of the truth. Default 0. */
  shift?: number;
  /** Milliseconds before it answers. Its timestamps tell of it, unless `hideDelay` is set. */
  delay?: number;
  /** The waiting is not in the timestamps: it looks like a slow network. */
  hideDelay?: boolean;
  /** Never answers. */
  silent?: boolean;
  /** Answers only from the nth question on (1 is the first). */
  from?: number;
  /** Answers from another port of its address. */
  otherPort?: boolean;
  /** Answers from this address instead, same port. */
  otherAddress?: string;
  /** Sends these bytes instead of an answer. */
  raw?: Uint8Array;
  /** A good answer follows the bad one at once. */
  thenGood?: boolean;
  /** Fields of the answer that are to be as given. */
  packet?: Partial<NtpPacket>;
}

/** A reference identifier from four characters. */
export function referenceId(text: string): number {
  return Buffer.from(text.padEnd(4, '\0'), 'latin1').readUInt32BE();
}

/** A kiss-o'-death with this code. */
export function kiss(code: string): Behaviour {
  return { packet: { stratum: 0, leap: 3, referenceId: referenceId(code), receive: 0n } };
}

/** The behaviours that the program knows by name; `lie` and `late` are tuned by --shift and --delay. */
export const BEHAVIOURS = {
  honest: {},
  lie: { shift: 3600 },
  late: { delay: 3000, hideDelay: true },
  silent: { silent: true },
  'wrong-origin': { packet: { origin: 0x0123456789abcdefn } },
  'zero-origin': { packet: { origin: 0n } },
  'other-port': { otherPort: true },
  'kiss-rate': kiss('RATE'),
  'kiss-deny': kiss('DENY'),
  'kiss-rstr': kiss('RSTR'),
  'kiss-other': kiss('INIT'),
  unsynchronised: { packet: { leap: 3 } },
  'stratum-0': { packet: { stratum: 0, referenceId: 0 } },
  'stratum-16': { packet: { stratum: 16 } },
  'root-distance': { packet: { rootDelay: 1, rootDispersion: 1 } },
  'zero-transmit': { packet: { transmit: 0n } },
  'client-mode': { packet: { mode: 3 } },
  broadcast: { packet: { mode: 5 } },
  'version-1': { packet: { version: 1 } },
  short: { raw: new Uint8Array(47) },
} satisfies Record<string, Behaviour>;

export type BehaviourName = keyof typeof BEHAVIOURS;

function isBehaviourName(name: string): name is BehaviourName {
  return Object.hasOwn(BEHAVIOURS, name);
}

/** What time it is: so many milliseconds since 1970 at a reading of the monotonic clock, in ns, which all processes share. */
export interface Truth {
  readonly unixMs: number;
  readonly monotonicNs: bigint;
}

/** A question as it came. */
export interface Asked {
  packet: NtpPacket;
  port: number;
  address: string;
}

/** A running server. */
export class NtpServer {
  /** What it does with the next question. May be changed at any time. */
  behaviour: Behaviour;
  /** All questions so far. */
  readonly asked: Asked[] = [];
  readonly address: string;
  readonly #socket: Socket;
  #other: Socket | undefined;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #truth: Truth;
  #onAsked: ((asked: Asked) => void) | undefined;

  private constructor(socket: Socket, address: string, behaviour: Behaviour, truth: Truth) {
    this.#socket = socket;
    this.address = address;
    this.behaviour = behaviour;
    this.#truth = truth;
    socket.on('message', (bytes, from) => this.#answer(bytes, from.address, from.port));
  }

  /**
   * Starts a server and waits until it listens.
   *
   * @param options.port 0 (the default) for any free one.
   * @param options.truth its idea of the true time. Default: what the machine's clock shows now.
   */
  static async start(
    options: { address?: string; port?: number; behaviour?: Behaviour; truth?: Truth } = {},
  ): Promise<NtpServer> {
    const address = options.address ?? '127.0.0.1';
    const { truth = truthNow() } = options;
    const socket = await open(address, options.port ?? 0);
    const server = new NtpServer(socket, address, options.behaviour ?? {}, truth);
    if (server.behaviour.otherAddress !== undefined) {
      server.#other = await open(server.behaviour.otherAddress, server.port);
    } else if (server.behaviour.otherPort) {
      server.#other = await open(address, 0);
    }
    return server;
  }

  get port(): number {
    return this.#socket.address().port;
  }

  /** For the list of servers of a client. */
  get spec(): string {
    return isIPv6(this.address) ? `[${this.address}]:${this.port}` : `${this.address}:${this.port}`;
  }

  /** Called with each question, after it was noted. */
  onAsked(callback: (asked: Asked) => void): void {
    this.#onAsked = callback;
  }

  /** The server's own time, in ns since 1970. */
  now(): bigint {
    const { shift = 0 } = this.behaviour;
    const { unixMs, monotonicNs } = this.#truth;
    return BigInt(Math.round((unixMs + shift * 1000) * 1e3)) * 1000n + process.hrtime.bigint() - monotonicNs;
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    const sockets = this.#other ? [this.#socket, this.#other] : [this.#socket];
    await Promise.all(sockets.map((socket) => new Promise<void>((done) => socket.close(() => done()))));
  }

  #answer(bytes: Uint8Array, address: string, port: number): void {
    const receive = this.now();
    let request: NtpPacket;
    try {
      request = decodePacket(bytes);
    } catch {
      return;
    }
    const asked = { packet: request, port, address };
    this.asked.push(asked);
    this.#onAsked?.(asked);
    const behaviour = this.behaviour;
    if (behaviour.silent || this.asked.length < (behaviour.from ?? 1)) return;
    const send = () => {
      const now = this.now();
      const good: NtpPacket = {
        leap: 0,
        version: request.version,
        mode: 4,
        stratum: 2,
        poll: 0,
        precision: -20,
        rootDelay: 0.001,
        rootDispersion: 0.001,
        referenceId: referenceId('TEST'),
        reference: ntpFromUnix(now - 10_000_000_000n),
        origin: request.transmit,
        receive: ntpFromUnix(behaviour.hideDelay ? now : receive),
        transmit: ntpFromUnix(now),
      };
      const answer = behaviour.raw ?? encodePacket({ ...good, ...behaviour.packet });
      (this.#other ?? this.#socket).send(answer, port, address);
      if (behaviour.thenGood) this.#socket.send(encodePacket(good), port, address);
    };
    if (behaviour.delay === undefined) {
      send();
      return;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      send();
    }, behaviour.delay);
    this.#timers.add(timer);
  }
}

async function open(address: string, port: number): Promise<Socket> {
  const socket = createSocket(isIPv6(address) ? { type: 'udp6', ipv6Only: true } : { type: 'udp4' });
  socket.bind(port, address);
  await once(socket, 'listening');
  return socket;
}

/**
 * What the machine's clock shows now, to a tenth of a millisecond: read as a millisecond begins, and again if on a busy
 * machine time has passed between two looks.
 */
export function truthNow(): Truth {
  for (let [before, last] = [process.hrtime.bigint(), Date.now()]; ; ) {
    const unixMs = Date.now();
    const monotonicNs = process.hrtime.bigint();
    if (unixMs === last + 1 && monotonicNs - before < 100_000n) return { unixMs, monotonicNs };
    [before, last] = [monotonicNs, unixMs];
  }
}

/** @param at as the option --at has it */
function trueTime(at: string | undefined): Truth {
  if (at === undefined) return truthNow();
  const [date = '', monotonic] = at.split('@');
  return {
    unixMs: Date.parse(date),
    monotonicNs: monotonic === undefined ? process.hrtime.bigint() : BigInt(monotonic),
  };
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      bind: { type: 'string', multiple: true, default: ['127.0.0.1'] },
      port: { type: 'string', default: '123' },
      behaviour: { type: 'string', default: 'honest' },
      /** Seconds. */
      shift: { type: 'string' },
      /** Milliseconds. */
      delay: { type: 'string' },
      /**
       * Its true time, ISO 8601; default: the machine's. With `@` and a reading of the monotonic clock in nanoseconds it was so
       * then, however long this program takes to start: servers that are told the same agree.
       */
      at: { type: 'string' },
      /** Address to answer from. */
      'other-address': { type: 'string' },
    },
  });
  if (!isBehaviourName(values.behaviour)) {
    throw new Error(
      `unknown behaviour '${values.behaviour}'; there are ${Object.keys(BEHAVIOURS).join(', ')}`,
    );
  }
  const behaviour: Behaviour = { ...BEHAVIOURS[values.behaviour] };
  if (values.shift !== undefined) behaviour.shift = Number(values.shift);
  if (values.delay !== undefined) behaviour.delay = Number(values.delay);
  if (values['other-address'] !== undefined) behaviour.otherAddress = values['other-address'];
  const truth = trueTime(values.at);
  for (const address of values.bind) {
    const server = await NtpServer.start({ address, port: Number(values.port), behaviour, truth });
    server.onAsked((asked) => console.log(`asked by ${asked.address} port ${asked.port}`));
  }
  console.log('ready');
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
