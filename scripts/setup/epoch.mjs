// The time that builds carry: SOURCE_DATE_EPOCH (seconds since 1970), where it is set, so that a build can be repeated.
import { stat } from 'node:fs/promises';
import { root } from './paths.mjs';
import { attempt } from './process.mjs';

/** @returns {number | undefined} seconds since 1970; undefined where it is not set, or no number */
function sourceDateEpoch() {
  const given = process.env.SOURCE_DATE_EPOCH;
  return given && Number.isFinite(Number(given)) ? Number(given) : undefined;
}

/** When what is built now is built: that time, or now. @returns {number} milliseconds since 1970 */
export function buildTime() {
  const epoch = sourceDateEpoch();
  return epoch === undefined ? Date.now() : epoch * 1000;
}

/**
 * The age of the sources: that time, or the commit's, or, where git is not or knows of none, package.json's, to which git sets it in the
 * archives that it makes. Never now: that would be another for each build.
 *
 * @returns {Promise<number>} seconds since 1970
 */
export async function sourceTime() {
  const epoch = sourceDateEpoch();
  if (epoch !== undefined) return epoch;
  const { status, stdout } = await attempt(['git', '-C', root, 'log', '-1', '--format=%ct']);
  return status === 0 ? Number(stdout) : Math.floor((await stat(`${root}/package.json`)).mtimeMs / 1000);
}
