/** The things that the simulation is there to show, each as a table; test/simulation/main.ts prints them. */

import { scatter } from './crowd.js';
import { DEATH_CASES, type Death, type DeathCase, die } from './death.js';
import { FAULTS, type Recovery, recover } from './faults.js';
import { type Health, type Life, live, rowsOf } from './healthy.js';
import { quantile, seconds, table } from './table.js';

const DAY = 86_400_000;
const YEAR = 365.25 * DAY;

/** How healthy tunnels are told apart: each life is in one row of each. */
const SETTINGS: readonly ((health: Health) => string)[] = [
  ({ loss, bursts }) => `loss ${loss * 100} %${bursts ? ', and 5 s of nothing each 10 min' : ''}`,
  ({ delay }) => `way of ${delay} ms`,
  ({ delay, jitter }) => (jitter === 0 ? 'no jitter' : `jitter of ${(jitter / delay) * 100} % of that`),
  ({ traffic }) => `traffic: ${traffic}`,
  ({ behind }) => `behind the gateway: ${behind}`,
  ({ initiator }) => `session begun by the ${initiator}`,
  ({ keepalive }) => (keepalive === 0 ? 'no keepalive' : `keepalive ${keepalive} s`),
  ({ stalls }) => (stalls ? 'the node stands still now and then' : 'the node never stands still'),
];

/** Healthy tunnels: what they were told to have lost, and how soon their end was noticed. @param duration milliseconds of each seed */
export async function reportHealthy(seeds: readonly number[], duration: number): Promise<string> {
  const lives: Omit<Life, 'events'>[] = [];
  for (const seed of seeds) {
    for (const health of rowsOf(seed)) {
      const { events: _, ...life } = await live(seed, health, duration);
      lives.push(life);
    }
  }
  const rows = SETTINGS.flatMap((nameOf) => {
    const groups = new Map<string, Omit<Life, 'events'>[]>();
    for (const life of lives) {
      const name = nameOf(life.health);
      groups.set(name, [...(groups.get(name) ?? []), life]);
    }
    return [...groups].sort(([a], [b]) => a.localeCompare(b, 'en', { numeric: true })).map(healthyRow);
  });
  const faults = lives
    .filter(({ dropped }) => dropped.length > 0)
    .map((life) => `seed ${life.seed} ${JSON.stringify(life.health)}\n  ${life.dropped.join('\n  ')}\n`);
  const head = ['healthy tunnels', 'days', 'dropped', 'dropped a year', 'put to the test a day'];
  const columns = [...head, 'probes a minute', 'looks a minute', 'death noticed: median', '99 %'];
  return `${faults.join('')}${table(columns, [healthyRow(['all', lives]), ...rows])}\n`;
}

function healthyRow([name, lives]: readonly [string, readonly Omit<Life, 'events'>[]]): string[] {
  const sum = (of: (life: Omit<Life, 'events'>) => number): number =>
    lives.reduce((total, life) => total + of(life), 0);
  const time = sum(({ duration }) => duration);
  const dropped = sum((life) => life.dropped.length);
  const noticed = lives.map((life) => life.noticed);
  return [
    name,
    (time / DAY).toFixed(0),
    String(dropped),
    ((dropped / time) * YEAR).toFixed(1),
    ((sum(({ suspicions }) => suspicions) / time) * DAY).toFixed(2),
    ((sum(({ probes }) => probes) / time) * 60_000).toFixed(1),
    ((sum(({ looks }) => looks) / time) * 60_000).toFixed(1),
    seconds(quantile(noticed, 0.5)),
    seconds(quantile(noticed, 0.99)),
  ];
}

/** Dead gateways: how soon the next connection stands. */
export async function reportDead(
  seeds: readonly number[],
  cases: readonly DeathCase[] = DEATH_CASES,
): Promise<string> {
  const head = [
    'a gateway dies',
    'noticed: median',
    '99 %',
    'connected: median',
    '99 %',
    'worst',
    'ping gap: median',
  ];
  const rows: string[][] = [];
  for (const each of cases) {
    const deaths: Death[] = [];
    for (const seed of seeds) deaths.push(await die(seed, each));
    const noticed = deaths.map((death) => death.noticed);
    const connected = deaths.map((death) => death.reconnected);
    const gap =
      each.traffic === 'ping' && each.behind !== 'silent'
        ? seconds(
            quantile(
              deaths.map((death) => death.gap),
              0.5,
            ),
          )
        : '';
    const row = [
      quantile(noticed, 0.5),
      quantile(noticed, 0.99),
      quantile(connected, 0.5),
      quantile(connected, 0.99),
      Math.max(...connected),
    ];
    rows.push([each.name, ...row.map(seconds), gap]);
  }
  return `seconds; ${seeds.length} seeds each\n\n${table(head, rows)}\n`;
}

/** Other faults than death, under traffic, with gateways that answer. */
export async function reportFaults(seeds: readonly number[]): Promise<string> {
  const head = ['under traffic', 'answered again: median', '99 %', 'worst', 'connections lost, of 100'];
  const rows: string[][] = [];
  for (const fault of FAULTS) {
    const recoveries: Recovery[] = [];
    for (const seed of seeds) recoveries.push(await recover(seed, fault));
    const restored = recoveries.map((recovery) => recovery.restored);
    const lost = recoveries.filter((recovery) => recovery.lost > 0).length;
    const row = [quantile(restored, 0.5), quantile(restored, 0.99), Math.max(...restored)];
    rows.push([fault.name, ...row.map(seconds), ((lost / recoveries.length) * 100).toFixed(0)]);
  }
  return `seconds; ${seeds.length} seeds each\n\n${table(head, rows)}\n`;
}

const CROWD = 100_000;
const CROWD_GATEWAYS = [2, 3, 5, 10, 20];
/** Handshakes a second, of a weak gateway and of one core of a server; and waits, in milliseconds. */
const CAPACITIES = [1_000, 7_500];
const WAITS = [0, 2_000, 10_000];
/** So many deaths, packet by packet, tell when nodes notice: of each half under traffic and half in silence. */
const MOST_DEATHS = 200;

/** A crowd, beside a daemon that looks at the handshake's age alone. */
export async function reportCrowd(seeds: readonly number[], nodes = CROWD): Promise<string> {
  const cases = DEATH_CASES.filter(({ behind, loss }) => behind === 'answers' && loss === 0);
  const noticed: number[] = [];
  for (const each of cases) {
    for (const seed of seeds.slice(0, MOST_DEATHS)) noticed.push((await die(seed, each)).noticed);
  }
  const head = [
    'gateways',
    'algorithm',
    'share of each that lives',
    'handshakes a second: peak',
    'half connected',
    '99 % connected',
  ];
  const rows = CROWD_GATEWAYS.flatMap((gateways) =>
    (['ours', 'plain'] as const).map((algorithm) => {
      const crowd = scatter(algorithm, { seed: seeds[0] ?? 1, nodes, gateways, noticed });
      const share = `${(crowd.least * 100).toFixed(1)} to ${(crowd.most * 100).toFixed(1)} %`;
      return [
        String(gateways),
        algorithm,
        share,
        String(crowd.peak),
        `${seconds(crowd.half)} s`,
        `${seconds(crowd.nearlyAll)} s`,
      ];
    }),
  );
  const limited = CAPACITIES.flatMap((capacity) =>
    WAITS.map((wait) => {
      const crowd = scatter('ours', { seed: seeds[0] ?? 1, nodes, gateways: 2, noticed, capacity, wait });
      const times = [crowd.half, crowd.nearlyAll].map((time) => `${seconds(time)} s`);
      return [
        String(capacity),
        wait === 0 ? 'none' : `up to ${wait / 1_000} s`,
        String(crowd.peak),
        ...times,
      ];
    }),
  );
  const headLimited = [
    'a gateway makes a second',
    'wait',
    'asked for: peak',
    'half connected',
    '99 % connected',
  ];
  return [
    `${nodes} nodes, one gateway dies; times of those that were with it\n\n${table(head, rows)}\n`,
    `2 gateways of which each can make only so many, and nodes that wait at random\n\n${table(headLimited, limited)}\n`,
  ].join('\n');
}
