/*
 * Days of the selector in the fake world, with all that a router meets in them, by a program that runs on both hosts:
 * test/unit/growth.test.ts reads what it needs of memory. The arguments are how many days, and `leak` for one on purpose. After each day it
 * tells the bytes in use then, and what has happened.
 */
import { programArguments, standardOutput } from '#platform/process.js';
import { Config, type PeerConfig, samePeer } from '../../src/config/index.js';
import { Journal } from '../../src/daemon/journal.js';
import { History, infoTable, statusTable } from '../../src/daemon/status.js';
import type { SelectorEvent } from '../../src/selector/events.js';
import { Selector } from '../../src/selector/selector.js';
import type { Assignment } from '../../src/selector/world.js';
import { encodeBlobmsg } from '../../src/ubus/blobmsg.js';
import { parseUci } from '../../src/uci/uci.js';
import { assign, FakeWorld } from './fake-world.js';
import { privateBytes } from './private-bytes.js';

const MINUTE = 60_000;
const [days = '1', fault = ''] = programArguments;
const kept: object[] = [];

/** Of gateway `index`; its name in DNS, where it has one, has a dead address besides. */
const addressOf = (index: number): string => (index % 2 === 0 ? `192.0.2.${index}` : `2001:db8::${index}`);
const nameOf = (index: number): string => `gw${index}.example.net`;
const GATEWAYS = 6;

/** The configuration's text; each change of it changes one peer, and whether another is there. */
function configuration(change: number): string {
  const peers = Array.from({ length: GATEWAYS }, (_, index) => {
    const host = index < 3 ? addressOf(index) : nameOf(index);
    const endpoint = host.includes(':') ? `[${host}]:51820` : `${host}:51820`;
    const keepalive = index === change % GATEWAYS ? 25 : 0;
    const there = index === (change + 1) % GATEWAYS ? 0 : 1;
    const key = `${String.fromCharCode(65 + index).repeat(42)}A=`;
    return `config peer 'gw${index}'\n\toption enabled '${there}'\n\toption ifname 'vpn'\n\toption public_key '${key}'\n\toption endpoint '${endpoint}'\n\toption persistent_keepalive '${keepalive}'\n\tlist allowed_ips '10.${index}.0.0/16'\n\tlist allowed_ips 'fe80::1/128'\n`;
  });
  return peers.join('');
}

/** The daemon as far as it needs no kernel: what it reads, serves, logs and answers. */
class Daemon {
  readonly world = new FakeWorld();
  readonly selector: Selector;
  readonly seen = new Map<string, number>();
  #peers: readonly PeerConfig[] = [];
  readonly #history = new History(() => this.world.timers.now());

  constructor() {
    const now = (): number => this.world.timers.now();
    const log = { write: (): void => {} };
    const journal = new Journal(log, 'vpn', now);
    this.selector = new Selector(this.world, this.#read(0), (event: SelectorEvent) => {
      this.seen.set(event.type, (this.seen.get(event.type) ?? 0) + 1);
      journal.tell(event);
      this.#history.take(event);
      if (fault === 'leak') kept.push({ of: event.type });
    });
    void this.selector.run();
  }

  reload(change: number): void {
    this.selector.assign(this.#read(change));
  }

  /** As ubus is answered. @returns the answers' length */
  answer(): number {
    const now = this.world.timers.now();
    const snapshot = this.selector.snapshot();
    const status = statusTable(this.#peers, snapshot, now);
    const info = infoTable({
      snapshot,
      installed: undefined,
      led: undefined,
      history: this.#history,
      time: { state: 'off', plausible: true, message: undefined, stepped: undefined },
      now,
      started: 0,
    });
    return encodeBlobmsg({ status, info }).length;
  }

  #read(change: number): Assignment {
    const config = new Config(parseUci(configuration(change), { file: 'x' }), 'x');
    const before = new Map(this.#peers.map((peer) => [peer.name, peer]));
    this.#peers = config.peers('vpn').map((peer) => {
      const known = before.get(peer.name);
      return known !== undefined && samePeer(known, peer) ? known : peer;
    });
    const probes = { probeTimeout: 20, probeInterval: 15 };
    return { ...assign(this.#peers, probes), ownKeys: config.ownKeys('vpn') };
  }
}

/** Private memory of this process; on Node what its heap holds, after a collection (--expose-gc). */
function bytesInUse(): number {
  const { gc, process } = globalThis as {
    gc?: () => void;
    process?: { memoryUsage(): { heapUsed: number } };
  };
  gc?.();
  if (process !== undefined) return process.memoryUsage().heapUsed;
  return privateBytes();
}

async function day(daemon: Daemon, first: number): Promise<void> {
  const { world, selector } = daemon;
  const pass = (minutes: number): Promise<void> => world.timers.pass(minutes * MINUTE);
  for (let hour = first; hour < first + 24; hour++) {
    await pass(15);
    const gateway = world.gateways.get(selector.snapshot().remote?.address ?? '');
    if (gateway !== undefined && hour % 3 === 0) gateway.alive = false;
    await pass(10);
    for (const each of world.gateways.values()) each.alive = hour % 24 !== 7;
    daemon.reload(hour);
    await pass(10);
    for (const each of world.gateways.values()) each.alive = true;
    world.names.set(nameOf(3), hour % 3 === 0 ? 'silent' : [addressOf(3), '198.51.100.3']);
    if (hour % 4 === 1) world.setLink(hour % 8 === 1 ? 'absent' : 'down');
    await pass(1);
    world.setLink('up');
    await pass(4);
    if (hour % 5 === 2) world.stepClock(hour % 2 === 0 ? 3_600_000 : -3_600_000);
    if (hour % 6 === 3) world.conflicts.set('fe80::1/128', 'File exists');
    else world.conflicts.clear();
    const [route] = world.routes;
    if (route !== undefined) world.takeRoute(route);
    if (hour % 2 === 0) selector.next();
    else selector.select(`gw${hour % GATEWAYS}`);
    await pass(10);
    for (let time = 0; time < 20; time++) {
      world.routeAppears();
      daemon.answer();
      await pass(0.5);
    }
    world.forget();
  }
}

async function main(): Promise<void> {
  const daemon = new Daemon();
  for (let index = 0; index < GATEWAYS; index++) {
    daemon.world.alive(addressOf(index));
    daemon.world.names.set(nameOf(index), ['198.51.100.9', addressOf(index)]);
  }
  for (let past = 0; past < Number(days); past++) {
    await day(daemon, past * 24);
    const seen = [...daemon.seen].sort().map(([type, count]) => `${type} ${count}`);
    standardOutput.write(
      `${bytesInUse()} bytes; timers ${daemon.world.timers.pending}, ${seen.join(', ')}\n`,
    );
    daemon.seen.clear();
  }
}

void main();
