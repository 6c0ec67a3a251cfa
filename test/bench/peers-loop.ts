/**
 * What configured peers cost, without a kernel: prints microseconds of CPU to read the configuration, to begin a round, of a step of it and
 * of a reload in the middle of it, and the bytes of memory that were written to after the first of each but the reload. Runs on both hosts. Argument: the directory of the configuration.
 */
import { bootTime } from '#platform/clock.js';
import { exit, programArguments, standardOutput } from '#platform/process.js';
import { loadConfig } from '../../src/config/index.js';
import { Picker } from '../../src/selector/picker.js';
import { privateBytes } from '../support/private-bytes.js';
import { cpuUsed } from './cpu-used.js';

/** So many steps of a round are taken, of as many as there are. */
const STEPS = 8;

/** What is measured takes so many microseconds at least. */
const ENOUGH = 100_000;

const [configDir = ''] = programArguments;

/** Microseconds of CPU of one, of as many as it takes: the kernel counts in ticks of a few milliseconds. */
function costOf(what: () => void): number {
  for (let times = 1; ; times *= 2) {
    const before = cpuUsed();
    for (let left = times; left > 0; left--) what();
    const used = cpuUsed() - before;
    if (used >= ENOUGH) return used / times;
  }
}

const picker = new Picker(
  { resolve: () => Promise.reject(new Error('no names here')) },
  { now: bootTime, after: () => () => {} },
  { below: (bound) => Math.floor(Math.random() * bound) },
  () => {},
);
const read = () => loadConfig(configDir).peers('vpn');
const begin = (): void => picker.begin();
const beginAndStep = (): void => {
  begin();
  for (let left = STEPS; left > 0; left--)
    if (picker.look(5_000).kind !== 'candidate') throw new Error('there is nobody to try');
};

picker.setPeers(read());
beginAndStep();
const memory = privateBytes();
const reading = costOf(read);
const beginning = costOf(begin);
const stepping = costOf(beginAndStep);
const reload = costOf(() => picker.setPeers(read()));
const step = Math.max(0, stepping - beginning) / STEPS;
const figures = [reading, beginning, step, reload, memory];
standardOutput.write(`${figures.map((figure) => figure.toFixed(1)).join(' ')}\n`);
exit(0);
