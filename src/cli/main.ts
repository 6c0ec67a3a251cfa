#!/usr/bin/env node
import './signals.js'; // before all others: a signal may come any moment
import {
  exit,
  onUncaught,
  programArguments,
  standardError,
  standardOutput,
  traceOf,
} from '#platform/process.js';
import { setImmediate, setTimeout } from '#platform/timers.js';
import { Daemon } from '../daemon/daemon.js';
import { StandardErrorLog } from '../daemon/log.js';
import { messageOf } from '../wording.js';
import { EXIT, ExitError, exitCodeOf } from './exit.js';
import { changeGroup } from './group.js';
import { type Options, parseOptions } from './options.js';
import { removePidFile, writePidFile } from './pid-file.js';
import { onSignal, releaseSignals } from './signals.js';

/** How long peers and routes have to be removed when the daemon ends, in milliseconds. */
const STOP_TIMEOUT = 2_000;

let log = new StandardErrorLog(false);
/** Somebody asked the program to end: however it does, it ends as asked. */
let stopping = false;
/** It ends already, with an error that was told. */
let failed = false;

main().catch(fail);

async function main(): Promise<void> {
  standardOutput.onError(outputLost);
  // Whoever reads the log may go, and a disk may be full: the work is more important than its log.
  standardError.onError(() => {});
  const [word, ...rest] = programArguments;
  if (word !== undefined && !word.startsWith('-')) return runCommand(word, rest);
  const options = parseOptions(programArguments);
  if (options.print !== undefined) return runCommand(options.print, []);
  log = new StandardErrorLog(options.verbose);
  onUncaught(fail);
  if (options.group !== undefined) changeGroup(options.group);
  await serve(options);
}

/** Does what a person asks for. It is loaded for that alone: a daemon needs none of it, and keeps what it has loaded. */
async function runCommand(word: string, args: readonly string[]): Promise<void> {
  releaseSignals();
  const commands = await import('./commands.js');
  await commands.runCommand(word, args);
}

/** Serves the interfaces until a signal ends it. What comes while it starts counts when it has started. */
async function serve(options: Options): Promise<never> {
  const { pidFile } = options;
  let daemon: Daemon | undefined;
  let reload = false;
  const stopped = new Promise<void>((resolve) => {
    onSignal((signal) => {
      if (signal === 'SIGHUP') {
        reload = true;
        daemon?.reload();
      } else if (!stopping) {
        stopping = true;
        log.write('debug', '', `${signal}: stopping`);
        setTimeout(() => tooSlow(daemon), STOP_TIMEOUT);
        resolve();
      }
    });
  });
  const opened = await Daemon.open({ ...options, log });
  if (pidFile !== undefined) writePidFile(pidFile);
  opened.run();
  daemon = opened;
  if (reload) daemon.reload();
  await stopped;
  await daemon.stop();
  if (pidFile !== undefined) {
    try {
      removePidFile(pidFile);
    } catch (error) {
      log.write('warning', '', `--pid-file ${pidFile}: ${messageOf(error)}`);
    }
  }
  exit(EXIT.OK);
}

/** Ends what does not end by itself. A daemon that has not begun to work has nothing to remove. */
function tooSlow(daemon: Daemon | undefined): never {
  if (daemon === undefined) exit(EXIT.OK);
  log.write('error', '', `peers and routes could not be removed within ${STOP_TIMEOUT} ms`);
  exit(EXIT.SOFTWARE);
}

/** Whoever has closed a pipe wants no more of it, which is no error; anything else is told. */
function outputLost(error: Error & { readonly code?: string }): void {
  if (error.code === 'EPIPE') return;
  fail(new ExitError(EXIT.IO_ERROR, `standard output cannot be written: ${error.message}`));
}

/** Ends the process: a line for a mistake of somebody's, a stack trace for one of ours. */
function fail(error: unknown): void {
  const code = exitCodeOf(error);
  if (code === undefined) {
    log.write('error', '', `unexpected: ${error instanceof Error ? traceOf(error) : String(error)}`);
    exit(EXIT.SOFTWARE);
  }
  if (failed) return;
  failed = true;
  log.write('error', '', messageOf(error));
  // One whole turn of the loop later: a signal may have come meanwhile, and whoever asked the program to end has got what they
  // wanted.
  setImmediate(() => setImmediate(() => exit(stopping ? EXIT.OK : code)));
}
