import type { Timers } from '../timers.js';
import { type NativeTimer, native } from './native.js';

export type * from '../timers.js';

export const setTimeout: Timers['setTimeout'] = native.startTimer;

export const clearTimeout: Timers['clearTimeout'] = (timer) => (timer as NativeTimer | undefined)?.stop();

export const setImmediate: Timers['setImmediate'] = native.setImmediate;

export const queueMicrotask: Timers['queueMicrotask'] = native.queueMicrotask;

export const monotonic: Timers['monotonic'] = native.monotonic;
