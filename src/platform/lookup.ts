/** Of addresses: IPv4, IPv6. */
export type Family = 4 | 6;

/**
 * Why a look-up has found nothing: a word of native/lookup.c's (see {@link explain}), or a text of the system's own. `QUEUED`: it was not
 * even begun, because others were under way.
 */
export type Failure = string;

/** What a look-up has found: addresses, or why there are none. */
export interface Answer {
  readonly failure?: Failure | undefined;
  /** Empty exactly when there is a failure. */
  readonly addresses: readonly string[];
}

/** Somebody who looks up names, one family at a time. */
export interface Lookups {
  /**
   * @param milliseconds how long the answer will be waited for, a hint to be done by then
   * @param done called once, not before this returns; not any more after {@link close}
   */
  start(name: string, family: Family, milliseconds: number, done: (answer: Answer) => void): void;
  /** Gives everything up. */
  close(): void;
}

/** Begins to look up names. */
export type OpenLookups = () => Lookups;
