import type { Timer, Timers } from '../timers.js';

export type * from '../timers.js';

// Looked up at each call, so that a test may replace them.
export const setTimeout: Timers['setTimeout'] = (callback, milliseconds) =>
  globalThis.setTimeout(callback, milliseconds);

export function clearTimeout(timer: Timer | undefined): void {
  globalThis.clearTimeout(timer as NodeJS.Timeout | undefined);
}

export const setImmediate: Timers['setImmediate'] = (callback) => void globalThis.setImmediate(callback);

export const queueMicrotask: Timers['queueMicrotask'] = (callback) => process.nextTick(callback);

export const monotonic: Timers['monotonic'] = () => performance.now();
