import { Config, parseUci } from '../../src/config/index.js';
import type { GivenPeers, Service, ServiceOwner } from '../../src/daemon/methods.js';
import { Counters, metricsTable } from '../../src/daemon/metrics.js';
import { History, infoTable, peersTable, statusTable } from '../../src/daemon/status.js';
import type { SelectorEvent, Snapshot } from '../../src/selector/events.js';

const KEY = 'mIDOdscl2R3Dq+YthxdTvvtH4D53VhawzEnmet+E7W0=';

const REMOTE = { address: '192.0.2.1', port: 51820, index: 1, count: 1 };

/** A daemon that remembers what it was asked, and has done nothing. */
export class FakeOwner implements ServiceOwner {
  /** `reload`, `vpn set [..]`. */
  readonly told: string[] = [];

  async peers(): Promise<GivenPeers> {
    return {
      set: (ifname, values) => this.#tell(`${ifname} set ${JSON.stringify(values)}`),
      add: (ifname, value) => this.#tell(`${ifname} add ${JSON.stringify(value)}`),
      remove: (ifname, name) => void this.#tell(`${ifname} remove ${name}`),
    };
  }

  reload(): void {
    this.told.push('reload');
  }

  #tell(what: string): readonly string[] {
    this.told.push(what);
    return ['it is only a test'];
  }
}

/** An interface that is served by nobody, and answers as if it were: connected to `sn01` for an hour, with two peers more. */
export class FakeService implements Service {
  readonly name: string;
  /** What it was told: `select sn02`, `next`. */
  readonly told: string[] = [];
  /** False: it is connecting. */
  connected = true;
  /** Which of the peers it is connected to, or tries. */
  place = 0;
  readonly #config: Config;
  readonly #listeners: ((event: SelectorEvent) => void)[] = [];

  /** @param names of the enabled peers; one more, `old`, is not */
  constructor(name: string, names: readonly string[] = ['sn01', 'sn02']) {
    this.name = name;
    const sections = [...names, 'old'].map(
      (peer, place) => `config peer '${peer}'
  option enabled '${peer === 'old' ? 0 : 1}'
  option ifname '${name}'
  option public_key '${KEY.replace('mI', `m${'ABCDEFGH'[place]}`)}'
  option endpoint '192.0.2.${place + 1}:51820'
  option priority '${place}'
  list allowed_ips '10.0.0.0/8'
`,
    );
    this.#config = new Config(parseUci(sections.join(''), { file: 'fake' }), 'fake');
  }

  readonly selector = {
    select: (peer: string): boolean => {
      this.told.push(`select ${peer}`);
      return this.#peers.some(({ name }) => name === peer);
    },
    next: (): void => void this.told.push('next'),
    snapshot: (): Snapshot => this.#snapshot,
  };

  status() {
    return statusTable(this.#peers, this.#snapshot, 3_600_000);
  }

  async info() {
    const history = new History(() => 100_000);
    history.take({
      type: 'failed',
      peer: this.#peer(1),
      remote: undefined,
      code: 'no-address',
      reason: 'no such \x1b[1mname',
      round: 1,
    });
    const { publicKey } = this.#peer(0);
    // One that a number cannot tell.
    const installed = { publicKey, lastHandshake: 0, rxBytes: 2n ** 53n + 1n, txBytes: 2048n };
    return infoTable({
      snapshot: this.#snapshot,
      installed: this.connected ? installed : undefined,
      led: this.connected ? { families: [4, 6], table: 51887, mark: 51887 } : undefined,
      history,
      time: { state: 'synchronised', plausible: true, message: undefined, stepped: undefined },
      now: 3_600_000,
      started: 0,
    });
  }

  metrics() {
    let now = 0;
    const counters = new Counters(() => now);
    const failed = {
      type: 'failed',
      remote: undefined,
      code: 'no-handshake',
      reason: 'why',
      round: 1,
    } as const;
    counters.take({ type: 'trying', peer: this.#peer(1), remote: REMOTE });
    counters.take({ ...failed, peer: this.#peer(1) });
    counters.take({ type: 'trying', peer: this.#peer(0), remote: REMOTE });
    now = 5_125;
    counters.take(this.#connected(125));
    return metricsTable(this.#snapshot, counters, {
      ...{ state: 'synchronised', plausible: true },
      ...{ message: undefined, stepped: undefined },
    });
  }

  peers() {
    return peersTable(this.#config, this.name);
  }

  onEvent(listener: (event: SelectorEvent) => void): void {
    this.#listeners.push(listener);
  }

  /** A connection is made. */
  connect(handshake = 35): void {
    for (const listener of this.#listeners) listener(this.#connected(handshake));
  }

  /** A connection is lost. */
  lose(): void {
    const lost = { type: 'lost', code: 'no-answer', reason: 'no answer', held: 1000 } as const;
    for (const listener of this.#listeners) listener({ ...lost, peer: this.#peer(0) });
  }

  #connected(handshake: number) {
    const routes = { installed: [], added: [], conflicts: [] };
    return { type: 'connected', peer: this.#peer(0), remote: REMOTE, handshake, routes } as const;
  }

  get #peers() {
    return this.#config.peers(this.name);
  }

  #peer(place: number) {
    const peer = this.#peers[place];
    if (peer === undefined) throw new Error('there is no such peer');
    return peer;
  }

  get #snapshot(): Snapshot {
    return {
      state: this.connected ? 'established' : 'connecting',
      since: 0,
      peer: this.#peer(this.place),
      remote: { ...REMOTE, address: `192.0.2.${this.place + 1}` },
      handshakeAge: this.connected ? 61_000 : undefined,
      roundTrip: undefined,
      silence: this.connected ? 4_000 : undefined,
      routes: {
        installed: ['10.0.0.0/8'],
        added: [],
        conflicts: [{ destination: 'fd00::/8', reason: 'taken' }],
      },
      tried: ['sn01'],
      untried: ['sn02'],
    };
  }
}
