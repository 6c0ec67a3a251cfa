// What the bundle costs against a bare node: time to start and private memory, measured side by side.
import { spawnSync } from 'node:child_process';

/** Pairs of runs. The two of a pair follow each other, so that whatever else the machine does slows both. */
const PAIRS = 25;
/** What a maker of this project promises: the start as a ratio to `node -e 0`, and private memory above it in MB. */
const TARGET = { ratio: 1.2, megabytes: 2.5 };

/** @param {number[]} values */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const [low = 0, high = 0] = sorted.length % 2 === 0 ? sorted.slice(middle - 1) : sorted.slice(middle);
  return sorted.length % 2 === 0 ? (low + high) / 2 : low;
}

/**
 * @param {string[]} args of node
 * @returns {string} what it wrote
 */
function node(args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`node ${args.join(' ')}: exit status ${status}\n${stderr}`);
  return stdout;
}

/**
 * @param {string[]} args of node
 * @returns {number} milliseconds from start to end
 */
function duration(args) {
  const start = performance.now();
  node(args);
  return performance.now() - start;
}

/**
 * @param {string} before JavaScript to run first
 * @returns {number} megabytes that the process has to itself, half a second later
 */
function privateMemory(before) {
  const script = `${before};setTimeout(()=>{
    const text=require('node:fs').readFileSync('/proc/self/smaps_rollup','latin1');
    console.log('private '+/Anonymous: *(\\d+)/.exec(text)[1]);
  },500)`;
  const found = /^private (\d+)$/m.exec(node(['-e', script]));
  return Number(found?.[1]) / 1024;
}

/**
 * @param {string} program the bundle
 * @returns {Promise<string>} lines for a person
 */
export async function figures(program) {
  const bare = [];
  const ours = [];
  for (let pair = 0; pair < PAIRS; pair++) {
    bare.push(duration(['-e', '0']));
    ours.push(duration([program, '--version']));
  }
  const ratio = median(ours.map((time, pair) => time / (bare[pair] ?? 1)));
  // Everything is loaded and run up to the point where it would begin to work.
  const load = `process.argv=[process.execPath,${JSON.stringify(program)},'--version'];require(${JSON.stringify(program)})`;
  const memory = {
    bare: median([1, 2, 3].map(() => privateMemory('0'))),
    ours: median([1, 2, 3].map(() => privateMemory(load))),
  };
  const more = memory.ours - memory.bare;
  return [
    `start: ${ratio.toFixed(2)} times node -e 0 (medians ${median(ours).toFixed(1)} and ${median(bare).toFixed(1)} ms of ${PAIRS} pairs), expected at most ${TARGET.ratio}\n`,
    `private memory: ${more.toFixed(2)} MB more than node's ${memory.bare.toFixed(2)} MB, expected at most ${TARGET.megabytes}\n`,
  ].join('');
}
