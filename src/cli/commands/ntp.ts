import { setExitCode, standardOutput } from '#platform/process.js';
import { loadNtpServers } from '../../config/index.js';
import { type JsonInput, toJson } from '../../json.js';
import { agree, formatOffset, majorityOf, type SyncResult, syncOnce } from '../../sntp/index.js';
import { EXIT, ExitError } from '../exit.js';
import { columns } from './columns.js';
import { CONFIG_DIR, type DescribedCommand, HELP, JSON_OUTPUT, nameOf, runnable } from './command.js';
import { type Paint, paintFor } from './screen.js';
import { words } from './values.js';

/** Of an attempt, in milliseconds. */
const TIMEOUT = 5_000;

const COMMAND = {
  name: nameOf('ntp'),
  summary: 'ask NTP servers what time it is',
  operands: '[SERVER ...]',
  about:
    "Asks each server what time it is, and says how far the clock is off by its answer, how long that took, and whether it agrees with a majority: more than half of the servers have to. Without a SERVER those that the daemon would ask, list server of section 'ntp' in /etc/config/system. Sets no clock.",
  options: { 'config-dir': CONFIG_DIR, json: JSON_OUTPUT, help: HELP },
  examples: [
    ['wgpeerselector ntp', 'the servers of the configuration'],
    ['wgpeerselector ntp 0.pool.ntp.org 192.0.2.123', 'these'],
  ],
  exits: {
    [EXIT.OK]: 'a majority agrees',
    [EXIT.NEGATIVE]: 'there is no majority',
    [EXIT.CONFIGURATION]: 'no servers',
  },
  most: Number.POSITIVE_INFINITY,
  stray: String,
} as const satisfies DescribedCommand;

/** What a server has told; times in seconds. */
interface Row {
  readonly server: string;
  readonly agrees: boolean;
  readonly result: SyncResult;
}

/** `wgpeerselector ntp` */
export const NTP = runnable(COMMAND, async (values, given) => {
  const configured = given.length > 0 ? undefined : loadNtpServers(values['config-dir'] ?? '/etc/config');
  const servers = [...new Set(configured?.servers ?? given)];
  if (servers.length === 0) {
    const why = configured?.problems.map(({ file, message }) => `${file} ${message}`).join('; ');
    throw new ExitError(EXIT.CONFIGURATION, `no servers to ask (${why}): name some, or configure them`);
  }
  // Each by itself: an attempt with all of them ends as soon as a majority is there, and nobody would hear of the rest.
  const results = await Promise.all(
    servers.map(async (server) => ({
      server,
      result: await syncOnce({ servers: [server], timeout: TIMEOUT }),
    })),
  );
  const votes = results.flatMap(({ server, result }) =>
    result.ok
      ? [
          {
            offset: nanoseconds(result.offset),
            delay: nanoseconds(result.delay),
            error: nanoseconds(result.error),
            servers: [server],
          },
        ]
      : [],
  );
  const needed = majorityOf(servers.length);
  const majority = agree(votes, needed);
  const agreeing = new Set(majority?.agreeing.flatMap((vote) => vote.servers));
  const rows = results.map(({ server, result }): Row => ({ server, result, agrees: agreeing.has(server) }));
  const verdict =
    majority === undefined
      ? undefined
      : { offset: Number(majority.offset) / 1e9, error: Number(majority.error) / 1e9, votes: majority.votes };
  if (values.json) standardOutput.write(`${toJson({ servers: rows.map(asJson), needed, ...verdict })}\n`);
  else {
    const paint = paintFor();
    const head = ['server', 'address', 'offset', 'error', 'delay', ''].map(paint.strong);
    standardOutput.write(columns([head, ...rows.map((row) => cells(row, paint))]));
    const summary =
      verdict === undefined
        ? paint.bad(`no majority: ${needed} of ${servers.length} have to agree`)
        : `clock off by ${paint.strong(formatOffset(verdict.offset))} (± ${verdict.error.toFixed(4)} s, ${verdict.votes} of ${servers.length} agree)`;
    standardOutput.write(`${summary}\n`);
  }
  setExitCode(verdict === undefined ? EXIT.NEGATIVE : EXIT.OK);
});

function nanoseconds(seconds: number): bigint {
  return BigInt(Math.round(seconds * 1e9));
}

function cells({ server, agrees, result }: Row, paint: Paint): string[] {
  const [told] = result.servers;
  const address = told?.addresses.join(' ') ?? '';
  if (!result.ok) return [words(server), words(address), '', '', '', paint.bad(words(told?.detail))];
  const { offset, error, delay } = result;
  return [
    words(server),
    words(address),
    formatOffset(offset),
    `± ${error.toFixed(4)} s`,
    `${(delay * 1000).toFixed(1)} ms`,
    agrees ? paint.good('agrees') : paint.warning('disagrees'),
  ];
}

function asJson({ server, agrees, result }: Row): JsonInput {
  const [told] = result.servers;
  const addresses = told?.addresses ?? [];
  if (!result.ok) return { server, addresses, agrees, problem: told?.detail };
  return { server, addresses, agrees, offset: result.offset, error: result.error, delay: result.delay };
}
