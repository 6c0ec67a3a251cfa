/**
 * The signals that a service manager sends, caught from the moment this module is loaded: a SIGHUP that comes while the program
 * starts would otherwise end it. Nothing is done about them until {@link onSignal} says what.
 */
const SIGNALS = ['SIGHUP', 'SIGINT', 'SIGTERM'] as const;
export type Signal = (typeof SIGNALS)[number];

const early: Signal[] = [];
let handle = (signal: Signal): unknown => early.push(signal);
const caught = (signal: NodeJS.Signals): void => {
  const known = SIGNALS.find((one) => one === signal);
  if (known !== undefined) handle(known);
};
for (const signal of SIGNALS) process.on(signal, caught);

/** Calls `handler` with each signal that has come, in their order, and from now on with each that comes. */
export function onSignal(handler: (signal: Signal) => void): void {
  handle = handler;
  for (const signal of early.splice(0)) handler(signal);
}

/** Leaves signals to the system again, those that have come already too. */
export function releaseSignals(): void {
  for (const signal of SIGNALS) process.off(signal, caught);
  for (const signal of early.splice(0)) process.kill(process.pid, signal);
}
