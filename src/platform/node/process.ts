import { readFileSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import type { Output, Process, Signal } from '../process.js';
import { addon } from './addon.js';

export type * from '../process.js';

export const programArguments: Process['programArguments'] = process.argv.slice(2);

export const pid: Process['pid'] = process.pid;

export const effectiveUser: Process['effectiveUser'] = () => process.geteuid?.() ?? 0;

export const environment: Process['environment'] = (name) => process.env[name];

export const standardOutput: Output = output(() => process.stdout);

export const standardError: Output = output(() => process.stderr);

/**
 * Node tidies up before it ends, which takes long, and now and then for ever: V8 waits for one of its threads, and that for V8
 * (nodejs/node#54918). What is written to a pipe, a file or a terminal is written at once, so nothing is lost without.
 */
export function exit(code: number): never {
  process.once('exit', () => addon()?.exit(code));
  process.exit(code);
}

export const setExitCode: Process['setExitCode'] = (code) => {
  process.exitCode = code;
};

const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const satisfies Signal[];
let catching: ((signal: Signal) => void) | undefined;
const caught = (signal: NodeJS.Signals): void => {
  const known = SIGNALS.find((one) => one === signal);
  if (known !== undefined) catching?.(known);
};

export const catchSignals: Process['catchSignals'] = (listener) => {
  if (listener !== undefined && catching === undefined) for (const one of SIGNALS) process.on(one, caught);
  if (listener === undefined) for (const one of SIGNALS) process.off(one, caught);
  catching = listener;
};

export const raise: Process['raise'] = (signal) => void process.kill(process.pid, signal);

export const onUncaught: Process['onUncaught'] = (listener) => void process.on('uncaughtException', listener);

export const traceOf: Process['traceOf'] = (error) => error.stack ?? String(error);

export const warn: Process['warn'] = (text, type) => process.emitWarning(text, type);

export const groupId: Process['groupId'] = (name) => {
  const native = addon();
  if (native !== undefined) {
    const id = native.groupId(name);
    return id < 0 ? undefined : id;
  }
  const line = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${name}:`));
  return line === undefined ? undefined : Number(line.split(':')[2]);
};

export const setGroup: Process['setGroup'] = (id) => {
  try {
    if (process.setgid === undefined) throw new Error('this system has no groups');
    process.setgid(id);
  } catch (error) {
    // Node's own refusal, whatever the kernel would say: with a libuv that is not its own (Debian 13, OpenWrt), Node 20 takes for
    // granted that io_uring may be at work and refuses every setgid (CVE-2024-22017).
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_INVALID_STATE')) throw error;
    const native = addon();
    if (native === undefined) {
      throw new Error(
        `this Node refuses it (${error.message}), and the native part native.node is missing: start the program with that group`,
      );
    }
    const errno = native.setGroup(id);
    if (errno !== 0) throw new Error(getSystemErrorName(-errno));
  }
};

/** Opened when it is first needed: each costs some time. */
function output(open: () => NodeJS.WriteStream): Output {
  return {
    get unsent() {
      return open().writableLength;
    },
    get terminalRows() {
      const { isTTY, rows } = open();
      return isTTY ? (rows ?? 0) : undefined;
    },
    write: (text) => void open().write(text),
    onError: (listener) => void open().on('error', listener),
  };
}
