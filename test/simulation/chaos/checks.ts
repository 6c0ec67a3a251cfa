/** What has to be true of the daemon, whatever happens: some of it at every step, the rest as soon as nothing has happened for a while. */

import { type Config, FULL_TUNNEL } from '../../../src/config/index.js';
import { settingsOf } from '../../../src/daemon/settings.js';
import { RTN_UNREACHABLE } from '../../../src/netlink/index.js';
import type { SelectorEvent, Snapshot } from '../../../src/selector/events.js';
import { GATEWAYS, keyOf } from './configuration.js';
import type { Ground } from './ground.js';
import { VPN } from './machine.js';
import type { Place } from './places.js';
import type { Process } from './process.js';
import { Rate } from './rate.js';

/** Keys that are ours in any configuration. */
const OURS: ReadonlySet<string> = new Set(Array.from({ length: GATEWAYS }, (_, at) => keyOf(at + 1)));

/** Requests and log lines of one process within a minute, at most; timers and probes at one moment. */
export const LIMITS = { requests: 6_000, changes: 500, lines: 120, timers: 6, probes: 2 };

/** How long something may be other than it should be while nothing else happens, in milliseconds; looks come on top. */
const SETTLED = {
  interface: 1_500,
  peers: 2_000,
  test: 10_000,
  beside: 30_000,
  routes: 12_000,
  blockade: 45_000,
  rules: 45_000,
  nothing: 40_000,
};

/** What is looked at. */
export interface Sight {
  readonly ground: Ground;
  readonly process: Process | undefined;
  readonly config: Config;
}

export class Checks {
  readonly #ground: Ground;
  readonly #ownKeys: () => ReadonlySet<string>;
  readonly #violated: (rule: string) => void;
  /** Since when a rule does not hold. */
  readonly #broken = new Map<string, number>();
  #foreign = '';
  #deedSinceRead = false;
  #deedSinceInstall = false;
  #held: string | undefined;
  #restUntil = 0;
  /** A peer is put to the test, and nothing else is looked at meanwhile. */
  #testing = false;
  requests = new Rate(LIMITS.requests);
  changes = new Rate(LIMITS.changes);
  lines = new Rate(LIMITS.lines);

  /** @param ownKeys those that the configuration names now */
  constructor(ground: Ground, ownKeys: () => ReadonlySet<string>, violated: (rule: string) => void) {
    this.#ground = ground;
    this.#ownKeys = ownKeys;
    this.#violated = violated;
  }

  /** A process begins. */
  begin(): void {
    this.requests = new Rate(LIMITS.requests);
    this.changes = new Rate(LIMITS.changes);
    this.lines = new Rate(LIMITS.lines);
    this.#held = undefined;
    this.#testing = false;
    this.disturb();
  }

  /** Something has happened that may take its time to be mended. */
  disturb(): void {
    this.#broken.clear();
    this.#deedSinceRead = true;
    this.#deedSinceInstall = true;
    this.#foreign = this.#foreignNow();
  }

  /** The daemon waits for so many milliseconds for one request, and cannot do anything else. */
  rest(milliseconds: number): void {
    this.#restUntil = Math.max(this.#restUntil, this.#ground.time.now() + milliseconds);
  }

  /** Whether {@link rest} lasts. */
  get resting(): boolean {
    return this.#ground.time.now() < this.#restUntil;
  }

  asked(): void {
    this.#count(this.requests, 'requests');
  }

  logged(): void {
    this.#count(this.lines, 'log lines');
  }

  /** The kernel has done something for the daemon. */
  done(place: Place): void {
    if (place === 'read device') this.#deedSinceRead = false;
    if (/^(read|confirm|look)/.test(place)) return;
    this.#count(this.changes, 'changes of the kernel');
    if (this.#foreignNow() !== this.#foreign) this.#violated(`touched what is not ours: ${place}`);
    const whole = this.#own.filter(({ allowedIps }) => allowedIps.length > 0);
    if (place === 'install' && whole.length > 1 && !this.#deedSinceRead)
      this.#violated('two of our peers with allowed IPs at once');
    if (place === 'install') this.#deedSinceInstall = this.#deedSinceRead;
  }

  /** Events tell one story. */
  told(event: SelectorEvent): void {
    const { type } = event;
    if (type === 'suspected' || type === 'proven' || type === 'lost') this.#testing = type === 'suspected';
    if (type === 'connected' || type === 'kept') {
      if (this.#held !== undefined)
        this.#violated(`${type} to ${event.peer.name} while ${this.#held} is held`);
      this.#held = event.peer.name;
      const keys = this.#own.map(({ publicKey }) => publicKey);
      const deed = type === 'kept' ? this.#deedSinceRead : this.#deedSinceInstall;
      if (!deed && keys.some((key) => key !== event.peer.publicKey))
        this.#violated(`${type} to ${event.peer.name}, and ${keys.length} of our peers are there`);
    } else if (type === 'lost') {
      if (this.#held !== event.peer.name) this.#violated(`lost ${event.peer.name}, held is ${this.#held}`);
      this.#held = undefined;
    } else if (type === 'stopped' && this.#held !== undefined)
      this.#violated(`stopped while ${this.#held} is held`);
  }

  /** Looks whether everything is as it should be; what is not may be so for a while. */
  look({ ground, process, config }: Sight): void {
    const snapshot = process?.service?.selector.snapshot();
    if (
      process === undefined ||
      snapshot === undefined ||
      process.stopping ||
      this.resting ||
      ground.time.idle
    ) {
      this.#broken.clear();
      return;
    }
    this.#expect('timers', 0, process.pending <= LIMITS.timers, `${process.pending} timers`);
    this.#expect('probes', 0, process.probes.size <= LIMITS.probes, `${process.probes.size} probes`);
    const { vpn } = ground.machine;
    const usable = vpn?.up === true;
    const waiting = snapshot.state === 'waiting-for-interface';
    const paused = snapshot.state === 'pausing' || snapshot.state === 'setting-clock';
    this.#expect(
      'interface',
      SETTLED.interface + ground.news.behind + (paused ? SETTLED.nothing : 0),
      usable !== waiting || ground.news.behind === Number.POSITIVE_INFINITY,
      snapshot.state,
    );
    if (vpn?.wireguard === undefined || !usable) return;
    this.#lookAtPeers(snapshot, config);
    this.#lookAtRoutes(snapshot, config);
    this.#lookAtRules(config, vpn.fwmark);
  }

  /** What is left when the daemon has ended as it should. */
  leftovers(): string[] {
    const { machine } = this.#ground;
    const refusing = machine.allOurs.filter(({ type }) => type === RTN_UNREACHABLE);
    const routes = [...machine.ours, ...refusing].map(({ destination }) => `route ${destination}`);
    const rules = machine.rules.ours.map((rule) => `rule ${rule}`);
    const mark = machine.vpn?.fwmark === FULL_TUNNEL ? ['our mark'] : [];
    return [...this.#own.map(({ publicKey }) => `peer ${publicKey[0]}`), ...routes, ...rules, ...mark];
  }

  #lookAtPeers({ state, peer }: Snapshot, config: Config): void {
    const settings = settingsOf(config.interface(VPN));
    const bound = SETTLED.peers + settings.checkInterval + (this.#testing ? SETTLED.test : 0);
    const own = this.#own;
    const whole = own.filter(({ allowedIps }) => allowedIps.length > 0);
    const told = own
      .map((one) => `${one.publicKey[0]} ${one.allowedIps.join(' ')} ${one.keepalive}`)
      .join(', ');
    this.#expect('at most one peer', bound, whole.length <= 1, told);
    this.#expect('at most one beside', bound, own.length <= 2, told);
    if (state === 'established') {
      this.#expect('nobody beside for long', SETTLED.beside, own.length <= 1, told);
      const configured = config.peers(VPN).find(({ publicKey }) => publicKey === peer?.publicKey);
      const held = own.find(({ publicKey }) => publicKey === peer?.publicKey);
      const as =
        [...(held?.allowedIps ?? [])].sort().join() === [...(configured?.allowedIps ?? [])].sort().join();
      const same = held !== undefined && as && held.keepalive === configured?.persistentKeepalive;
      this.#expect(
        'status is what the kernel holds',
        bound,
        same,
        `${peer?.name} ${configured?.allowedIps.join(' ')} ${configured?.persistentKeepalive}; ${told}`,
      );
    } else if (state === 'pausing' || state === 'setting-clock')
      this.#expect('no peer in a pause', SETTLED.nothing, own.length === 0, told);
  }

  #lookAtRoutes({ state, peer, routes }: Snapshot, config: Config): void {
    const settings = settingsOf(config.interface(VPN));
    const { table = 254, metric } = settings.routes;
    const { machine } = this.#ground;
    const name = ({
      destination,
      ...route
    }: {
      destination: string;
      table: number;
      metric: number;
    }): string => `${destination} ${route.table} ${route.metric}`;
    const there = machine.ours.map(name).sort().join();
    const refused = routes.conflicts.map(({ destination }) => destination);
    const wanted = (peer?.allowedIps ?? [])
      .filter((destination) => !refused.includes(destination))
      .map((destination) =>
        name({ destination, table, metric: metric ?? (destination.includes(':') ? 1024 : 0) }),
      );
    const bound = SETTLED.routes + settings.checkInterval;
    if (state === 'established')
      this.#expect(
        'routes match the peer',
        bound,
        there === wanted.sort().join(),
        `${there}; ${wanted.join()}`,
      );
    else if (state === 'pausing' || state === 'setting-clock')
      this.#expect('no routes in a pause', SETTLED.nothing, there === '', there);
    const blocked = machine.allOurs
      .filter(({ type }) => type === RTN_UNREACHABLE)
      .map((route) => route.destination);
    const all = settings.blockWhenLost ? config.peers(VPN).flatMap(({ allowedIps }) => allowedIps) : [];
    const same = blocked.sort().join() === [...new Set(all)].sort().join();
    this.#expect('the blockade', SETTLED.blockade + settings.checkInterval, same, blocked.join());
  }

  /** All peers lead to both families. */
  #lookAtRules(config: Config, mark: number): void {
    const { fullTunnel, checkInterval, routes } = settingsOf(config.interface(VPN));
    const wanted = ([4, 6] as const).flatMap((family) => [
      `${family} 32159: table 254 suppress 0`,
      `${family} 32415: not mark ${mark} table ${routes.table}`,
    ]);
    const { ours } = this.#ground.machine.rules;
    const bound = SETTLED.rules + checkInterval;
    this.#expect('the rules', bound, ours.join() === (fullTunnel ? wanted : []).join(), ours.join());
    this.#expect('the mark', bound, fullTunnel ? mark !== 0 : mark !== FULL_TUNNEL, `${mark}`);
  }

  get #own() {
    const own = this.#ownKeys();
    return [...(this.#ground.machine.vpn?.wireguard?.peers.values() ?? [])].filter(({ publicKey }) =>
      own.has(publicKey),
    );
  }

  #foreignNow(): string {
    const { machine } = this.#ground;
    const peers = [...(machine.vpn?.wireguard?.peers.values() ?? [])].filter(
      ({ publicKey }) => !OURS.has(publicKey),
    );
    return JSON.stringify([
      machine.foreignRoutes,
      machine.rules.foreign,
      peers.map(({ publicKey, allowedIps }) => [publicKey, allowedIps]),
    ]);
  }

  #expect(rule: string, bound: number, holds: boolean, seen: string): void {
    const now = this.#ground.time.now();
    if (holds) this.#broken.delete(rule);
    const since = holds ? undefined : (this.#broken.get(rule) ?? now);
    if (since === undefined) return;
    this.#broken.set(rule, since);
    if (now - since >= bound) this.#violated(`${rule}: not so for ${(now - since) / 1_000} s: ${seen}`);
  }

  #count(rate: Rate, what: string): void {
    if (!rate.add(this.#ground.time.now())) this.#violated(`more than ${rate.limit} ${what} within a minute`);
  }
}
