import { catchSignals, raise, type Signal } from '#platform/process.js';

/*
 * The signals that a service manager sends are caught from the moment this module is loaded: a SIGHUP that comes while the program
 * starts would otherwise end it. Nothing is done about them until onSignal says what.
 */
const early: Signal[] = [];
catchSignals((signal) => early.push(signal));

/** Calls `handler` with each signal that has come, in their order, and from now on with each that comes. */
export function onSignal(handler: (signal: Signal) => void): void {
  catchSignals(handler);
  for (const signal of early.splice(0)) handler(signal);
}

/** Leaves signals to the system again, those that have come already too. */
export function releaseSignals(): void {
  catchSignals(undefined);
  for (const signal of early.splice(0)) raise(signal);
}
