import type { Clock } from '../clock.js';
import { native } from './native.js';

export type * from '../clock.js';

export const setRealtime: Clock['setRealtime'] = native.setRealtime;

export const bootTime: Clock['bootTime'] = native.bootTime;

export const isSynchronised: Clock['isSynchronised'] = native.isSynchronised;

export const setMaxError: Clock['setMaxError'] = native.setMaxError;

export const clockMissing = (): undefined => undefined;
