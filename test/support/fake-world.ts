import { setImmediate } from '#platform/timers.js';
import type { SelectorEvent, Snapshot } from '../../src/selector/events.js';
import { Selector } from '../../src/selector/selector.js';
import {
  type Assignment,
  type Device,
  type Family,
  type InstalledPeer,
  InterfaceGone,
  type LinkState,
  type Peer,
  type Prober,
  type Random,
  type Remote,
  type Resolver,
  type RouteConflict,
  type RouteReport,
  type Routing,
  type Settings,
  type Timers,
  type Tunnel,
  type World,
} from '../../src/selector/world.js';
import { SeededRandom } from '../simulation/random.js';

/** An assertion of this file's own: it runs inside QuickJS too, which has no node:assert. */
function must(holds: boolean, rule: string): void {
  if (!holds) throw new Error(rule);
}

/** A clock that moves only when it is told to: hours pass in no time, in the same order each run. */
export class FakeTimers implements Timers {
  #now = 1_000;
  #id = 0;
  readonly #due = new Map<number, { at: number; callback: () => void }>();

  now(): number {
    return this.#now;
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#due.size;
  }

  after(milliseconds: number, callback: () => void): () => void {
    must(milliseconds >= 0, `${milliseconds}: Node warns of such a timer`);
    const id = ++this.#id;
    this.#due.set(id, { at: this.#now + milliseconds, callback });
    return () => this.#due.delete(id);
  }

  /** The machine sleeps: so much time passes, and timers stand still. */
  sleep(milliseconds: number): void {
    this.#now += milliseconds;
    for (const timer of this.#due.values()) timer.at += milliseconds;
  }

  /** Lets so much time pass; after each timer everything that it set off comes to rest. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await settle();
    for (;;) {
      const next = [...this.#due].sort(([a, x], [b, y]) => x.at - y.at || a - b)[0];
      if (next === undefined || next[1].at > end) break;
      this.#due.delete(next[0]);
      this.#now = next[1].at;
      next[1].callback();
      await settle();
    }
    this.#now = end;
  }
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 2; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** A probe's size as WireGuard counts it. */
const PROBE_BYTES = 64;

interface Installed {
  publicKey: string;
  lastHandshake: number;
  /** Monotonic time of the same. */
  handshakeAt: number | undefined;
  allowedIps: readonly string[];
  persistentKeepalive: number;
  presharedKey: Peer['presharedKey'];
  remote: Pick<Remote, 'address' | 'port' | 'zone'> | undefined;
  /** Bytes. */
  received: number;
  sent: number;
  /** An empty packet is due, 10 s after data came. */
  owes: boolean;
  /** Handshakes come by themselves every 120 s, as with traffic. */
  traffic: boolean;
  own: boolean;
}

/** Where the simulated gateways are, and whether they answer. */
export interface Gateway {
  alive: boolean;
  /** Milliseconds from the initiation to the handshake. */
  latency: number;
  /** Nothing inside the tunnel answers probes: WireGuard alone does, 10 s after data. */
  silent?: boolean;
  /** It loses so many of the next packets, of both directions. */
  loses?: number;
}

export interface FakePeerOptions {
  host?: string;
  kind?: Peer['endpoints'][number]['kind'];
  priority?: number;
  weight?: number;
  allowedIps?: string[];
}

export function peer(name: string, options: FakePeerOptions = {}): Peer {
  return {
    name,
    enabled: true,
    ifname: 'vpn',
    line: 1,
    publicKey: `key of ${name}`,
    presharedKey: undefined,
    endpoints: [{ host: options.host ?? `address of ${name}`, port: 51820, kind: options.kind ?? 'ipv4' }],
    allowedIps: options.allowedIps ?? [`route of ${name}`],
    persistentKeepalive: 0,
    priority: options.priority ?? 0,
    weight: options.weight ?? 1,
  };
}

/** A simulated kernel with one WireGuard interface, its network, its DNS and its clocks. */
export class FakeWorld implements World {
  readonly timers = new FakeTimers();
  readonly random: Random;
  readonly events: SelectorEvent[] = [];
  /** What the selector showed of itself at each of them. */
  readonly shown: Snapshot[] = [];
  /** Gateways by address. An address without one is dead. */
  readonly gateways = new Map<string, Gateway>();
  /** DNS: addresses by name, an error text, or `silent`. */
  readonly names = new Map<string, string[] | string>();
  /** The answer of the other address family, where it comes later than the first. Milliseconds. */
  readonly lateNames = new Map<string, { after: number; addresses: string[] }>();
  readonly resolutions: string[] = [];
  /** Milliseconds until an answer of the DNS. */
  dnsDelay = 10;
  readonly unroutable = new Set<string>();
  readonly installed = new Map<string, Installed>();
  /** Our routes in the kernel. */
  readonly routes = new Set<string>();
  /** Routes of others that stand in the way of ours: why the kernel refuses ours. */
  readonly conflicts = new Map<string, string>();
  /** Addresses that any route of ours leads into the tunnel, whatever the kernel said before. */
  readonly swallowed = new Set<string>();
  /** The interface's own public key. */
  publicKey = 'key of vpn';
  fwmark = 0;
  readonly calls: string[] = [];
  /** Every time that routes were compared with what is wanted. */
  readonly applied: { destinations: readonly string[]; place: Settings['routes'] }[] = [];
  wall = Date.UTC(2026, 0, 1);
  /** Whether new connections carry traffic, so that their handshakes are renewed. */
  traffic = true;
  /** The next call of a tunnel method fails with this. */
  failure: Error | undefined;
  #wallSetAt = this.timers.now();
  /** What the kernel has said last of the interface: the same answer is the same object. */
  #said: { readonly text: string; readonly device: Device } | undefined;
  /** What the selector knows of the interface. */
  #told = '';
  #link: LinkState = 'up';
  #vanished = false;
  #linkListeners: (() => void)[] = [];
  #networkChange: (() => void)[] = [];
  #routesInDoubt: (() => void)[] = [];
  readonly #clockReady = new Set<() => void>();
  readonly tunnel: Tunnel;
  readonly routing: Routing;
  readonly prober: Prober;
  readonly resolver: Resolver;
  /** Why no probe can be sent, if none can. */
  unprobable: string | undefined;
  /** How often none could be sent. */
  refusals = 0;
  #probeAnswered = false;
  /** Addresses inside the tunnel that answer an echo. */
  readonly behind = new Set<string>();
  #echoed = false;
  /** Our routes that refuse packets. */
  blocked: readonly string[] = [];
  /** The families that are led into the routes' table, and every time that they were said. */
  led: readonly Family[] = [];
  readonly leads: (readonly Family[])[] = [];
  readonly clock = {
    ready: true,
    onReady: (listener: () => void) => {
      this.#clockReady.add(listener);
      return () => this.#clockReady.delete(listener);
    },
  };

  constructor(seed = 1) {
    this.random = new SeededRandom(seed);
    this.tunnel = this.#makeTunnel();
    this.routing = this.#makeRouting();
    this.prober = {
      send: async (wanted) => {
        if (this.unprobable !== undefined) return this.#refuse(this.unprobable);
        this.calls.push(`probe ${wanted.name}`);
        this.send(wanted.publicKey, PROBE_BYTES, 96);
        return undefined;
      },
      echo: async (address) => {
        if (this.unprobable !== undefined) return this.#refuse(this.unprobable);
        this.calls.push(`echo ${address}`);
        const [entry] = this.installed.values();
        if (entry !== undefined && this.#reached(entry) !== undefined && this.behind.has(address)) {
          this.timers.after(40, () => {
            this.#echoed = true;
          });
        }
        return undefined;
      },
      echoed: () => {
        const echoed = this.#echoed;
        this.#echoed = false;
        return echoed;
      },
      answered: () => {
        const answered = this.#probeAnswered;
        this.#probeAnswered = false;
        return answered;
      },
    };
    this.resolver = {
      resolve: (name, timeout, found) => {
        this.resolutions.push(name);
        const answer = this.names.get(name) ?? `${name} does not exist`;
        const second = this.lateNames.get(name);
        return new Promise((resolve, reject) => {
          if (answer === 'silent') this.timers.after(timeout, () => reject(new Error('no answer')));
          else if (typeof answer === 'string')
            this.timers.after(this.dnsDelay, () => reject(new Error(answer)));
          else {
            this.timers.after(this.dnsDelay, () => {
              found(answer);
              if (second === undefined) resolve();
            });
            if (second === undefined) return;
            this.timers.after(second.after, () => {
              found(second.addresses);
              resolve();
            });
          }
        });
      },
    };
  }

  wallClock(): number {
    return this.wall + this.timers.now() - this.#wallSetAt;
  }

  /** Steps CLOCK_REALTIME. */
  stepClock(milliseconds: number): void {
    this.wall = this.wallClock() + milliseconds;
    this.#wallSetAt = this.timers.now();
  }

  alive(address: string, latency = 40): Gateway {
    const gateway = { alive: true, latency };
    this.gateways.set(address, gateway);
    return gateway;
  }

  /** Starts a selector; its events are gathered, its run promise returned. */
  start(peers: readonly Peer[], settings: Partial<SettingsInSeconds> = {}) {
    return this.serve(assign(peers, settings));
  }

  /** The same with everything that an assignment says. */
  serve(assignment: Assignment) {
    const selector: Selector = new Selector(this, assignment, (event) => {
      this.events.push(event);
      this.shown.push(selector.snapshot());
    });
    return { selector, run: selector.run() };
  }

  setLink(link: LinkState): void {
    this.#vanished = false;
    this.#link = link;
    if (link !== 'up') this.routes.clear();
    if (link === 'absent') this.installed.clear();
    for (const listener of this.#linkListeners) listener();
    for (const listener of this.#networkChange) listener();
  }

  /** The interface is deleted, and the event is not read before the next answer of the kernel. */
  vanish(): void {
    this.#vanished = true;
    this.installed.clear();
    this.routes.clear();
  }

  clockIsSet(): void {
    this.clock.ready = true;
    for (const listener of this.#clockReady) listener();
  }

  routeAppears(): void {
    for (const listener of this.#networkChange) listener();
  }

  takeRoute(destination: string): void {
    must(this.routes.delete(destination), `${destination} is no route`);
    this.routesInDoubt();
  }

  /** Something of ours may have been taken away. */
  routesInDoubt(): void {
    for (const listener of this.#routesInDoubt) listener();
  }

  /** Puts a peer there as if somebody had done so before. */
  plant(
    publicKey: string,
    handshakeAge: number | undefined,
    own = true,
    remote?: Installed['remote'],
    traffic = true,
  ): void {
    const lastHandshake = handshakeAge === undefined ? 0 : this.wallClock() - handshakeAge;
    this.installed.set(publicKey, {
      publicKey,
      lastHandshake,
      handshakeAt: handshakeAge === undefined ? undefined : this.timers.now() - handshakeAge,
      allowedIps: [],
      persistentKeepalive: 0,
      presharedKey: undefined,
      remote,
      received: 0,
      sent: 0,
      owes: false,
      traffic,
      own,
    });
  }

  /**
   * Something goes through the tunnel to a peer, and is answered if that lives.
   * @param bytes of WireGuard's message
   * @param answer bytes of what comes back at once; 0 for nothing, then WireGuard itself answers after 10 s
   */
  send(publicKey: string, bytes: number, answer: number): void {
    const entry = this.installed.get(publicKey);
    if (entry === undefined || this.#link !== 'up') return;
    entry.sent += bytes;
    const gateway = this.#reached(entry);
    if (gateway === undefined) return;
    const probe = bytes === PROBE_BYTES;
    const later = (after: number, received: number): void =>
      void this.timers.after(after, () => {
        entry.owes = entry.owes && after < 10_000;
        if (this.#reached(entry) === undefined) return;
        entry.received += received;
        if (probe) this.#probeAnswered = true;
      });
    if (answer > 0 && !(probe && gateway.silent)) later(gateway.latency, answer);
    else if (!entry.owes) {
      entry.owes = true;
      later(10_000 + gateway.latency, 32);
    }
  }

  /** WireGuard asks for a handshake again. */
  retry(publicKey: string): void {
    const entry = this.installed.get(publicKey);
    if (entry !== undefined) this.#handshake(entry);
  }

  /** Forgets what has been noted so far: in a run of days that would be all that grows. */
  forget(): void {
    for (const notes of [this.events, this.shown, this.resolutions, this.calls, this.applied])
      notes.length = 0;
  }

  ofType<T extends SelectorEvent['type']>(type: T): Extract<SelectorEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<SelectorEvent, { type: T }> => event.type === type);
  }

  #call(name: string): void {
    this.calls.push(name);
    const failure = this.failure;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
  }

  #mustExist(): void {
    this.#answer();
    if (this.#link === 'absent') throw new InterfaceGone();
  }

  /** An answer of the kernel tells that the interface has gone, if it has. */
  #answer(): void {
    if (this.#vanished) this.setLink('absent');
  }

  #refuse(reason: string): string {
    this.refusals++;
    return reason;
  }

  /** The gateway, if a packet gets there and its answer back. */
  #reached(entry: Installed): Gateway | undefined {
    const address = entry.remote?.address;
    const gateway = address === undefined ? undefined : this.gateways.get(address);
    if (gateway?.loses !== undefined && gateway.loses > 0) {
      gateway.loses--;
      return undefined;
    }
    return gateway?.alive ? gateway : undefined;
  }

  #handshake(entry: Installed): void {
    const address = entry.remote?.address;
    const gateway = address === undefined ? undefined : this.gateways.get(address);
    entry.sent += 148;
    if (gateway === undefined) return;
    this.timers.after(gateway.latency, () => {
      if (this.installed.get(entry.publicKey) !== entry || this.#link !== 'up') return;
      if (this.#reached(entry) === undefined) return;
      entry.received += 92;
      entry.lastHandshake = this.wallClock();
      entry.handshakeAt = this.timers.now();
      if (entry.traffic) this.timers.after(120_000, () => this.#handshake(entry));
    });
  }

  /** A gateway has something to send and asks for the handshake itself, from wherever it is: WireGuard follows it there. */
  gatewayAsks(publicKey: string, from: Pick<Remote, 'address' | 'port'>): void {
    const entry = this.installed.get(publicKey);
    if (entry === undefined) throw new Error(`${publicKey} is not installed`);
    entry.remote = from;
    entry.received += 148;
    entry.lastHandshake = this.wallClock();
    entry.handshakeAt = this.timers.now();
  }

  #device(): Device {
    const peers = [...this.installed.values()].map(
      ({ publicKey, lastHandshake, remote, received, sent }): InstalledPeer => ({
        publicKey,
        lastHandshake,
        rxBytes: BigInt(received),
        txBytes: BigInt(sent),
        endpoint: remote && { address: remote.address, port: remote.port },
      }),
    );
    const device: Device = { publicKey: this.publicKey, fwmark: this.fwmark, peers };
    const text = JSON.stringify(device, (_, value) => (typeof value === 'bigint' ? `${value}` : value));
    if (this.#said?.text !== text) this.#said = { text, device };
    return this.#said.device;
  }

  /** All of the interface but what changes by itself. */
  #configuration(): string {
    const peers = [...this.installed.values()].map(
      ({ publicKey, allowedIps, persistentKeepalive, presharedKey, remote }) => {
        return [publicKey, allowedIps, persistentKeepalive, presharedKey?.reveal(), remote];
      },
    );
    return JSON.stringify([this.publicKey, this.fwmark, peers]);
  }

  #makeTunnel(): Tunnel {
    const world = this;
    return {
      name: 'vpn',
      get link() {
        return world.#link;
      },
      onLink: (listener) => void this.#linkListeners.push(listener),
      device: async () => {
        this.#call('device');
        this.#answer();
        this.#told = this.#configuration();
        return this.#device();
      },
      again: () => {
        if (this.#vanished || this.failure !== undefined || this.#told !== this.#configuration())
          return undefined;
        this.#call('device');
        return this.#device();
      },
      matches: (wanted) => {
        const entry = this.installed.get(wanted.publicKey);
        return (
          entry !== undefined &&
          entry.persistentKeepalive === wanted.persistentKeepalive &&
          entry.presharedKey === wanted.presharedKey &&
          entry.allowedIps.join() === wanted.allowedIps.join()
        );
      },
      install: async (wanted, remote) => {
        this.#call(`install ${wanted.name} ${remote.address}`);
        this.#mustExist();
        const others = [...this.installed.values()].filter((entry) => entry.own);
        if (wanted.allowedIps.length > 0) must(others.length === 0, 'nobody beside a peer that begins');
        else must(others.length <= 1, 'at most two of our peers at once');
        if (wanted.publicKey === this.publicKey) return; // as the kernel does: no error, and no peer
        const entry: Installed = {
          publicKey: wanted.publicKey,
          lastHandshake: 0,
          handshakeAt: undefined,
          allowedIps: wanted.allowedIps,
          persistentKeepalive: wanted.persistentKeepalive,
          presharedKey: wanted.presharedKey,
          remote,
          received: 0,
          sent: 0,
          owes: false,
          traffic: this.traffic,
          own: true,
        };
        this.installed.set(wanted.publicKey, entry);
        this.#handshake(entry);
      },
      adjust: async (wanted) => {
        this.#call(`adjust ${wanted.name}`);
        this.#mustExist();
        const entry = this.installed.get(wanted.publicKey);
        if (entry === undefined) throw new Error('only an installed peer can be adjusted');
        const { allowedIps, persistentKeepalive, presharedKey } = wanted;
        for (const other of this.installed.values())
          other.allowedIps = other.allowedIps.filter((prefix) => !allowedIps.includes(prefix));
        Object.assign(entry, { allowedIps, persistentKeepalive, presharedKey });
      },
      knock: async (wanted, { address, port }) => {
        this.#call(`knock ${wanted.name} ${address}`);
        this.#mustExist();
        const before = this.installed.get(wanted.publicKey);
        if (before === undefined) throw new Error('only an installed peer is knocked at');
        const fresh = { lastHandshake: 0, handshakeAt: undefined, received: 0, sent: 0, owes: false };
        const entry: Installed = { ...before, ...fresh, remote: { address, port } };
        this.installed.set(wanted.publicKey, entry);
        this.#handshake(entry);
      },
      kick: async (wanted) => {
        this.#call(`kick ${wanted.name}`);
        this.#mustExist();
        const entry = this.installed.get(wanted.publicKey);
        if (entry === undefined) return;
        const age = entry.handshakeAt === undefined ? undefined : this.timers.now() - entry.handshakeAt;
        if (age === undefined || age > 120_000) this.#handshake(entry);
      },
      remove: async (publicKey) => {
        this.#call(`remove ${publicKey}`);
        must(typeof publicKey === 'string', 'a key is a text');
        this.installed.delete(publicKey);
      },
    };
  }

  #makeRouting(): Routing {
    return {
      doubt: async ({ address }) => {
        if (this.unroutable.has(address)) return { kind: 'no-route', reason: 'no route' };
        if (this.routes.size > 0 && this.swallowed.has(address))
          return { kind: 'through-tunnel', reason: 'loop' };
        return undefined;
      },
      apply: async (destinations, place): Promise<RouteReport> => {
        const conflicts: RouteConflict[] = [];
        const added: string[] = [];
        this.applied.push({ destinations, place });
        if (this.#link === 'absent') return { installed: [], added, conflicts };
        if (this.#link === 'down') {
          const refused = destinations.map((destination) => ({ destination, reason: 'Network is down' }));
          return { installed: [], added, conflicts: refused };
        }
        for (const route of this.routes) if (!destinations.includes(route)) this.routes.delete(route);
        for (const destination of destinations) {
          const reason = this.conflicts.get(destination);
          if (reason !== undefined) conflicts.push({ destination, reason });
          else if (!this.routes.has(destination)) added.push(destination);
          if (reason === undefined) this.routes.add(destination);
        }
        return { installed: [...this.routes], added, conflicts };
      },
      stand: (destinations, place) => {
        const before = this.applied.at(-1);
        const same = before?.destinations === destinations && before.place === place;
        const there = this.#link === 'up' && this.routes.size === destinations.length;
        if (!same || !there || destinations.some((route) => !this.routes.has(route))) return false;
        this.applied.push({ destinations, place });
        return true;
      },
      block: async (destinations) => {
        this.blocked = destinations;
      },
      lead: async (families) => {
        this.led = families;
        this.leads.push(families);
        if (families.length > 0) this.calls.push('lead');
      },
      onNetworkChange: (listener) => void this.#networkChange.push(listener),
      onRoutesInDoubt: (listener) => void this.#routesInDoubt.push(listener),
    };
  }
}

/** Settings as a configuration has them. */
export interface SettingsInSeconds {
  connectTimeout: number;
  checkInterval: number;
  deadPeerTimeout: number;
  /** 0, where nothing else is said: the handshake alone decides. */
  probeTimeout: number;
  probeInterval: number;
  blockWhenLost: boolean;
  fullTunnel: boolean;
  checkAddress: string;
  failbackInterval: number;
  maxAge: number;
  strategy: Settings['strategy'];
}

/** An assignment with the default settings. */
export function assign(peers: readonly Peer[], settings: Partial<SettingsInSeconds> = {}): Assignment {
  return {
    peers,
    ownKeys: new Set(peers.map(({ publicKey }) => publicKey)),
    settings: {
      connectTimeout: (settings.connectTimeout ?? 5) * 1000,
      checkInterval: (settings.checkInterval ?? 5) * 1000,
      deadPeerTimeout: (settings.deadPeerTimeout ?? 150) * 1000,
      probeTimeout: (settings.probeTimeout ?? 0) * 1000,
      probeInterval: (settings.probeInterval ?? 0) * 1000,
      strategy: settings.strategy ?? 'random',
      failbackInterval: (settings.failbackInterval ?? 0) * 1000,
      maxAge: (settings.maxAge ?? 0) * 1000,
      blockWhenLost: settings.blockWhenLost ?? false,
      fullTunnel: settings.fullTunnel ?? false,
      checkAddress: settings.checkAddress,
      waitForClock: true,
      routes: { table: undefined, metric: undefined },
    },
  };
}
