import type { Output, Process, Signal } from '../process.js';
import { systemError } from '../system-error.js';
import { native, READABLE, type Watch, WRITABLE } from './native.js';

export type * from '../process.js';

export const programArguments: Process['programArguments'] = native.arguments;

export const pid: Process['pid'] = native.pid;

export const effectiveUser: Process['effectiveUser'] = native.effectiveUser;

export const environment: Process['environment'] = native.environment;

export const exit: Process['exit'] = native.exit;

export const setExitCode: Process['setExitCode'] = native.setExitCode;

export const onUncaught: Process['onUncaught'] = native.onUncaught;

let catching: { readonly fd: number; readonly watch: Watch } | undefined;
let heard: ((signal: Signal) => void) | undefined;

export const catchSignals: Process['catchSignals'] = (listener) => {
  heard = listener;
  if (listener === undefined) {
    catching?.watch.stop();
    if (catching !== undefined) native.close(catching.fd);
    catching = undefined;
    native.releaseSignals();
  } else catching ??= watchSignals();
};

function watchSignals(): typeof catching {
  const fd = native.openSignals();
  if (fd < 0) throw systemError(fd, 'signalfd');
  const watch = native.watch(fd, () => {
    const signal = native.nextSignal(fd);
    if (typeof signal === 'number') return false;
    heard?.(signal as Signal);
    return true;
  });
  watch.want(READABLE);
  watch.setRef(false);
  return { fd, watch };
}

export const raise: Process['raise'] = native.raise;

/** QuickJS's stack is without the message, and without an end where a function calls itself without one. */
export const traceOf: Process['traceOf'] = (error) =>
  [String(error), ...(error.stack ?? '').trimEnd().split('\n').slice(0, 10)].join('\n');

const warned = new Set<string>();

export const warn: Process['warn'] = (text, type = 'Warning') => {
  if (warned.has(text)) return;
  warned.add(text);
  standardError.write(`${type}: ${text}\n`);
};

export const groupId: Process['groupId'] = (name) => {
  const id = native.groupId(name);
  return id < 0 ? undefined : id;
};

export const setGroup: Process['setGroup'] = (id) => {
  const error = native.setGroup(id);
  if (error !== 0) throw systemError(error, 'setgid');
};

class NativeOutput implements Output {
  readonly #fd: number;
  #watch: Watch | undefined;
  #waiting: Uint8Array[] = [];
  #unsent = 0;
  readonly #listeners: ((error: Error) => void)[] = [];

  constructor(fd: number) {
    this.#fd = fd;
  }

  get unsent(): number {
    return this.#unsent;
  }

  get terminalRows(): number | undefined {
    const rows = native.terminalRows(this.#fd);
    return rows < 0 ? undefined : rows;
  }

  write(text: string): void {
    const bytes = native.encodeUtf8(text);
    this.#waiting.push(bytes);
    this.#unsent += bytes.length;
    if (this.#watch === undefined) this.#flush();
  }

  onError(listener: (error: Error) => void): void {
    this.#listeners.push(listener);
  }

  #flush(): void {
    for (let bytes = this.#waiting[0]; bytes !== undefined; bytes = this.#waiting[0]) {
      const count = native.writeOutput(this.#fd, bytes, 0);
      if (count < 0) {
        if (native.errnoName(-count) === 'EAGAIN') this.#wait();
        else this.#fail(count);
        return;
      }
      this.#unsent -= count;
      if (count === bytes.length) this.#waiting.shift();
      else this.#waiting[0] = bytes.subarray(count);
    }
    this.#watch?.stop();
    this.#watch = undefined;
  }

  /** Until there is room; the process lives on for it. */
  #wait(): void {
    if (this.#watch !== undefined) return;
    this.#watch = native.watch(this.#fd, () => {
      this.#flush();
      return false;
    });
    this.#watch.want(WRITABLE);
  }

  #fail(error: number): void {
    this.#waiting = [];
    this.#unsent = 0;
    this.#watch?.stop();
    this.#watch = undefined;
    native.queueMicrotask(() => {
      for (const listener of this.#listeners) listener(systemError(error, 'write'));
    });
  }
}

export const standardOutput: Output = new NativeOutput(1);

export const standardError: Output = new NativeOutput(2);
