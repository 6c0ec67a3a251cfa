#!/usr/bin/env node
import { readFileSync, unlinkSync, writeFileSync } from 'node:fs';
import { Daemon } from '../daemon/daemon.js';
import { StandardErrorLog } from '../daemon/log.js';
import { VERSION } from '../version.js';
import { messageOf } from '../wording.js';
import { runCheck } from './check.js';
import { EXIT, ExitError, exitCodeOf } from './exit.js';
import { HELP, parseOptions } from './options.js';

/** How long peers and routes have to be removed when the daemon ends, in milliseconds. */
const STOP_DEADLINE = 2_000;

let log = new StandardErrorLog(false);

main().catch(fail);

async function main(): Promise<void> {
  process.stdout.on('error', outputLost);
  if (process.argv[2] === 'check') return runCheck(process.argv.slice(3));
  const options = parseOptions(process.argv.slice(2));
  if (options.print !== undefined) {
    process.stdout.write(options.print === 'help' ? HELP : `wgpeerselector ${VERSION}\n`);
    return;
  }
  log = new StandardErrorLog(options.verbose);
  process.on('uncaughtException', fail);
  if (options.group !== undefined) changeGroup(options.group);
  const stopped = new Promise<NodeJS.Signals>((resolve) => {
    process.once('SIGTERM', resolve);
    process.once('SIGINT', resolve);
  });
  const daemon = await Daemon.start({ ...options, log });
  const { pidFile } = options;
  if (pidFile !== undefined) writePidFile(pidFile);
  process.on('SIGHUP', () => void daemon.reload());
  const signal = await stopped;
  log.write('debug', '', `${signal}: stopping`);
  setTimeout(() => {
    fail(new ExitError(EXIT.SOFTWARE, `peers and routes could not be removed within ${STOP_DEADLINE} ms`));
  }, STOP_DEADLINE);
  await daemon.stop();
  if (pidFile !== undefined) removePidFile(pidFile);
  process.exit(EXIT.OK);
}

/** Changes the unix group, so that firewall rules can match on it, before any packet is sent. */
function changeGroup(group: string): void {
  try {
    if (process.setgid === undefined) throw new Error('this system has no groups');
    process.setgid(/^\d+$/.test(group) ? Number(group) : group);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === 'ERR_UNKNOWN_CREDENTIAL' || code === 'ERR_OUT_OF_RANGE')
      throw new ExitError(EXIT.USAGE, `--group ${group}: there is no such group`);
    throw new ExitError(
      EXIT.NOT_PERMITTED,
      `--group ${group}: ${messageOf(error)}: run as root, or with CAP_SETGID`,
    );
  }
}

function writePidFile(file: string): void {
  try {
    writeFileSync(file, `${process.pid}\n`);
  } catch (error) {
    throw new ExitError(EXIT.CANNOT_CREATE, `--pid-file ${file}: ${messageOf(error)}`);
  }
}

/** Removes the pid file, unless it is another's by now. */
function removePidFile(file: string): void {
  try {
    if (readFileSync(file, 'latin1') === `${process.pid}\n`) unlinkSync(file);
  } catch (error) {
    log.write('warning', '', `--pid-file ${file}: ${messageOf(error)}`);
  }
}

/** Whoever has closed a pipe wants no more of it, which is no error; anything else is told. */
function outputLost(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') return;
  fail(new ExitError(EXIT.IO_ERROR, `standard output cannot be written: ${error.message}`));
}

/** Ends the process: a line for a mistake of somebody's, a stack trace for one of ours. */
function fail(error: unknown): never {
  const code = exitCodeOf(error);
  if (code !== undefined) {
    log.write('error', '', messageOf(error));
    process.exit(code);
  }
  log.write('error', '', `unexpected: ${error instanceof Error ? error.stack : String(error)}`);
  process.exit(EXIT.SOFTWARE);
}
