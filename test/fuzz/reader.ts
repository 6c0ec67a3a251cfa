/**
 * What is fuzzed: readers of bytes that come from outside. Neither these nor their rules know what they run on, so that both hosts can
 * replay the corpus.
 */

/** The error types of a reader. */
export type ErrorType = abstract new (...args: never[]) => Error;

/** A reader, with the rules for what it makes of bytes. */
export interface Reader {
  readonly name: string;
  /** What it may throw. */
  readonly errors: readonly ErrorType[];
  /**
   * Reads.
   *
   * @returns what it has found, as data
   * @throws what its errors say, and anything else where a rule is broken
   */
  read(bytes: Uint8Array): unknown;
}

/** What became of one input. */
export interface Outcome {
  /** `error: words`, or the value as text; the same on every host. */
  readonly text: string;
  /** The same, coarsely: two inputs that differ in it have gone different ways. */
  readonly kind: string;
}

/** A value may be as heavy as its input is long, times this, and this besides. */
const WEIGHT = 64;
const WEIGHT_OF_NOTHING = 4096;

/** @throws when the condition does not hold */
export function rule(condition: boolean, words: string): asserts condition {
  if (!condition) throw new Error(`a rule is broken: ${words}`);
}

/** A value as text: two values are the same exactly when their texts are. */
export function textOf(value: unknown): string {
  const text = JSON.stringify(value, (_key, item: unknown) => {
    if (typeof item === 'bigint') return `${item}n`;
    if (typeof item === 'number' && !Number.isFinite(item)) return String(item);
    if (Object.is(item, -0)) return '-0';
    if (item instanceof Uint8Array) return Array.from(item, (byte) => byte.toString(16)).join(' ');
    return item instanceof Map ? [...item] : item;
  });
  return text ?? 'undefined';
}

const prototypes = [Object.prototype, Array.prototype, Map.prototype, String.prototype];
const untouched = prototypes.map((prototype) => Reflect.ownKeys(prototype).length);

/** Reads one input under all the rules that hold for every reader. @throws when one is broken */
export function outcomeOf(reader: Reader, bytes: Uint8Array): Outcome {
  let outcome: Outcome;
  try {
    const text = textOf(reader.read(bytes));
    rule(text.length <= WEIGHT * bytes.length + WEIGHT_OF_NOTHING, 'the value is much larger than its input');
    outcome = { text, kind: 'read' };
  } catch (error) {
    if (!(error instanceof Error) || !reader.errors.some((type) => error instanceof type)) throw error;
    rule(error.message.length <= WEIGHT_OF_NOTHING, 'the message of an error is endless');
    const words = error.message.replaceAll(/'.*'|".*"/gs, '').match(/[a-z]{4,}/g) ?? [];
    outcome = { text: `${error.name}: ${error.message}`, kind: words.slice(0, 2).join(' ') };
  }
  for (const [at, prototype] of prototypes.entries())
    rule(Reflect.ownKeys(prototype).length === untouched[at], 'a prototype has been changed');
  return outcome;
}
