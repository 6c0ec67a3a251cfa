/** What the world does to the node, and what people do: each a deed, some with one that undoes it. */

import type { SimulatedGateway } from '../gateway.js';
import { CHANGES, type Change, GATEWAYS } from './configuration.js';
import type { Ground } from './ground.js';
import type { Device, Machine } from './machine.js';
import type { Process } from './process.js';
import {
  addAddresses,
  change,
  come,
  deleteOne,
  FOREIGN,
  flap,
  flush,
  giveBack,
  nameBack,
  notWireGuard,
  plant,
  plantForeign,
  RENAMED,
  removeBlockade,
  removeOurs,
  removeRules,
  replace,
  setMark,
  storm,
  take,
} from './tampering.js';

/** What a deed works on. */
export interface Stage {
  readonly ground: Ground;
  /** The process that runs, if one does. */
  readonly process: Process | undefined;
  reload(change: Change): void;
  /** Ends the process, and starts another after so many milliseconds. */
  stop(restart: number): void;
  kill(restart: number): void;
  /** The clock may be wrong for so many milliseconds. */
  doubtClock(milliseconds: number): void;
}

/** @param n a whole number from 0 to 999 that says which, or how long */
type Act = (stage: Stage, n: number) => void;

interface Deed {
  readonly act: Act;
  /** What undoes it, and after how many milliseconds at most. */
  readonly undo?: readonly [deed: string, within: number];
}

const HOUR = 3_600_000;
const CHANGE_NAMES = Object.keys(CHANGES) as Change[];

export const DEEDS = {
  'gateway dies': { act: (stage, n) => gateway(stage, n).die(), undo: ['gateway lives', 80_000] },
  'gateway lives': { act: (stage, n) => gateway(stage, n).revive() },
  'the held gateway dies': { act: (stage) => heldGateway(stage)?.die(), undo: ['all live', 80_000] },
  'all die': { act: ({ ground }) => each(ground, (one) => one.die()), undo: ['all live', 120_000] },
  'all live': { act: ({ ground }) => each(ground, (one) => one.revive()) },
  'gateway hangs': { act: (stage, n) => gateway(stage, n).hang(), undo: ['gateway wakes', 20_000] },
  'gateway wakes': { act: (stage, n) => gateway(stage, n).wake() },
  'gateway forgets': { act: (stage, n) => gateway(stage, n).forget(), undo: ['gateway remembers', 30_000] },
  'gateway remembers': { act: (stage, n) => remember(gateway(stage, n)) },
  'gateway restarts': { act: (stage, n) => gateway(stage, n).restart() },
  'nothing behind': { act: ({ ground }) => behind(ground, 'silent'), undo: ['something behind', 60_000] },
  'something behind': { act: ({ ground }) => behind(ground, 'answers') },
  'a way loses': { act: (stage, n) => lose(gateway(stage, n), 0.3), undo: ['a way is clean', 40_000] },
  'a way is clean': { act: (stage, n) => lose(gateway(stage, n), 0) },

  'interface down': {
    act: onVpn((machine, vpn) => machine.setUp(vpn, false)),
    undo: ['interface up', 8_000],
  },
  'interface up': { act: onVpn((machine, vpn) => machine.setUp(vpn, true)) },
  'interface flaps': { act: onVpn(flap) },
  'interface gone': { act: onVpn((machine, vpn) => machine.destroy(vpn)), undo: ['interface comes', 8_000] },
  'interface comes': { act: ({ ground: { machine } }) => come(machine) },
  'interface replaced': { act: onVpn(replace) },
  'interface renamed': {
    act: onVpn((machine, vpn) => machine.rename(vpn, RENAMED)),
    undo: ['interface named back', 8_000],
  },
  'interface named back': { act: ({ ground: { machine } }) => nameBack(machine) },
  'not WireGuard': { act: onVpn(notWireGuard), undo: ['interface comes', 8_000] },
  'another fwmark': { act: onVpn((_, vpn, n) => setMark(vpn, n)) },
  'addresses gone': {
    act: onVpn((machine, vpn) => machine.removeAddresses(vpn)),
    undo: ['addresses come', 20_000],
  },
  'addresses come': { act: onVpn(addAddresses) },

  'our peer removed': { act: onVpn((_, vpn) => removeOurs(vpn)) },
  'our peer doubled': { act: onVpn((_, vpn, n) => plant(vpn, 1 + (n % GATEWAYS))) },
  'our peer changed': { act: onVpn((_, vpn, n) => change(vpn, n)) },
  'foreign peer comes': { act: onVpn((_, vpn, n) => plantForeign(vpn, n)) },
  'foreign peer goes': { act: onVpn((_, vpn) => vpn.wireguard?.remove(FOREIGN)) },

  'our routes flushed': { act: onVpn((machine, vpn) => flush(machine, vpn, () => true)) },
  'one route deleted': { act: ({ ground: { machine } }, n) => deleteOne(machine, n) },
  'route taken': {
    act: ({ ground: { machine } }, n) => take(machine, n),
    undo: ['routes given back', 20_000],
  },
  'routes given back': { act: ({ ground: { machine } }) => giveBack(machine) },
  'foreign route comes': {
    act: ({ ground: { machine } }, n) => machine.putForeignRoute(`172.16.${n % 256}.0/24`),
  },
  'refusing routes gone': { act: ({ ground: { machine } }) => removeBlockade(machine) },
  'our rules gone': { act: ({ ground: { machine } }, n) => removeRules(machine, n) },
  'foreign rule comes': {
    act: ({ ground: { machine } }, n) =>
      void machine.rules.add({ family: 4, priority: 1 + n, table: 1000, protocol: 3 }),
  },
  'storm of routes': { act: ({ ground: { machine } }) => storm(machine) },
  'no way out': { act: ({ ground: { machine } }) => machine.setWayOut(false), undo: ['a way out', 40_000] },
  'a way out': { act: ({ ground: { machine } }) => machine.setWayOut(true) },
  'uplink dead': { act: ({ ground }) => ground.setUplink('dead'), undo: ['uplink alive', 60_000] },
  'uplink alive': { act: ({ ground }) => ground.setUplink('up') },
  'names silent': { act: ({ ground }) => silence(ground), undo: ['names answer', 30_000] },
  'names answer': { act: ({ ground }) => ground.fillNames() },

  'events lost': { act: ({ ground }, n) => ground.news.overflow(n * 10) },
  'events late': {
    act: ({ ground }, n) => ground.news.beLate(n * 2),
    undo: ['events in time', 10_000],
  },
  'events in time': { act: ({ ground }) => ground.news.beLate(0) },
  'events twice': { act: ({ ground }) => ground.news.repeat(2), undo: ['events once', 10_000] },
  'events once': { act: ({ ground }) => ground.news.repeat(1) },
  'clock forward': { act: ({ ground }, n) => ground.stepClock((1 + n) * HOUR) },
  'clock back': { act: ({ ground }, n) => ground.stepClock(-(1 + n) * 10_000) },
  'clock in doubt': { act: (stage, n) => stage.doubtClock(1 + n * 5) },
  sleep: { act: ({ ground }, n) => ground.time.sleep(1_000 + n * 400) },
  'stands still': { act: ({ ground }, n) => ground.time.stall(n * 20) },

  next: { act: ({ process }) => process?.service?.selector.next() },
  select: { act: ({ process }, n) => select(process, n) },
  'select twice': { act: ({ process }, n) => selectTwice(process, n) },
  'select nobody': { act: ({ process }) => void process?.service?.selector.select('nobody') },
  'select and next': {
    act: ({ process }, n) => {
      select(process, n);
      process?.service?.selector.next();
    },
  },
  reload: { act: (stage, n) => stage.reload(changeOf(n)) },
  'reload twice': {
    act: (stage, n) => reloadTwice(stage, n),
  },
  stop: { act: (stage, n) => stage.stop(n * 5) },
  kill: { act: (stage, n) => stage.kill(n * 5) },
} as const satisfies Readonly<Record<string, Deed>>;

export type DeedName = keyof typeof DEEDS;

/** The deed that undoes this one, and within how many milliseconds. */
export function undoOf(name: DeedName): { readonly deed: DeedName; readonly within: number } | undefined {
  const { undo }: Deed = DEEDS[name];
  return undo && { deed: undo[0] as DeedName, within: undo[1] };
}

function changeOf(n: number): Change {
  return CHANGE_NAMES[n % CHANGE_NAMES.length] ?? 'nothing';
}

function gateway({ ground }: Stage, n: number): SimulatedGateway {
  return ground.gateways[n % GATEWAYS] as SimulatedGateway;
}

function heldGateway({ ground }: Stage): SimulatedGateway | undefined {
  const held = [...(ground.machine.vpn?.wireguard?.peers.values() ?? [])].find(
    ({ allowedIps }) => allowedIps.length > 0,
  );
  return ground.gateways.find(({ publicKey }) => publicKey === held?.publicKey);
}

function each({ gateways }: Ground, act: (one: SimulatedGateway) => void): void {
  for (const one of gateways) act(one);
}

function behind(ground: Ground, what: 'silent' | 'answers'): void {
  each(ground, (one) => {
    one.behind = what;
  });
}

function remember(one: SimulatedGateway): void {
  if (one.node === undefined) one.remember();
}

function lose({ link }: SimulatedGateway, loss: number): void {
  link.quality = { ...link.quality, loss };
}

function onVpn(act: (machine: Machine, vpn: Device, n: number) => unknown): Act {
  return ({ ground: { machine } }, n) => {
    if (machine.vpn !== undefined) act(machine, machine.vpn, n);
  };
}

function silence({ names }: Ground): void {
  for (const name of names.entries.keys()) names.entries.set(name, 'silent');
}

function select(process: Process | undefined, n: number): void {
  process?.service?.selector.select(`gw${1 + (n % GATEWAYS)}`);
}

/** Both before the daemon gets to do anything. */
function selectTwice(process: Process | undefined, n: number): void {
  select(process, n);
  select(process, n + 1);
}

function reloadTwice(stage: Stage, n: number): void {
  stage.reload(changeOf(n));
  stage.reload('nothing');
}
