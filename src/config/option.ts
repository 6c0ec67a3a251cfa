import { BadValue, quote } from './problem.js';
import type { FindTable } from './routing-table.js';
import { parseBoolean, parseInteger, parseIntegerOrOff } from './values.js';

/** What an option may say, as far as a document can tell it without words of its own. */
export type Kind =
  | { readonly type: 'boolean' }
  | {
      readonly type: 'integer';
      readonly least: number;
      readonly most: number;
      /** Whether `0` and `off` stand for never. */
      readonly off: boolean;
    }
  | { readonly type: 'choice'; readonly choices: readonly string[] }
  | { readonly type: 'text' };

/**
 * An option of a section, as data: the parser takes a section apart by it (SectionReader), and documents are made from it
 * (scripts/man). Tables of them stand in options.ts.
 */
export interface Option<T = unknown, P = unknown> {
  readonly kind: Kind;
  /** What holds where the option is absent, or faulty. */
  readonly preset: P;
  /** It takes a list, or several values with spaces between them. */
  readonly list?: boolean;
  /** It has to be there: what is expected then. */
  readonly required?: string;
  /**
   * @param find how a routing table is found by its name
   * @throws {BadValue}
   */
  parse(text: string, find: FindTable): T;
}

/** What a section says for an option. */
export type ValueOf<O> =
  O extends Option<infer T, infer P> ? (O extends { readonly list: true } ? T[] : T | P) : never;

/** What holds for an option of the table where it is absent; for those that are neither required nor a list. */
export function presetOf<O, N extends keyof O & string>(options: O, name: N): ValueOf<O[N]>;
export function presetOf(options: Readonly<Record<string, Option>>, name: string): unknown {
  return options[name]?.preset;
}

/** Yes or no. */
export function yesNo(preset: boolean): Option<boolean, boolean> {
  return { kind: { type: 'boolean' }, preset, parse: parseBoolean };
}

/** A whole number. @param what what it counts, for messages */
export function whole<const P>(least: number, most: number, preset: P, what: string): Option<number, P> {
  const kind = { type: 'integer', least, most, off: false } as const;
  return { kind, preset, parse: (text) => parseInteger(text, least, most, what) };
}

/** Seconds. */
export function seconds(least: number, most: number, preset: number): Option<number, number> {
  return whole(least, most, preset, 'seconds');
}

/** Seconds, or `off`, which is 0. */
export function secondsOrOff(least: number, most: number, preset: number): Option<number, number> {
  const kind = { type: 'integer', least, most, off: true } as const;
  return { kind, preset, parse: (text) => parseIntegerOrOff(text, least, most, 'seconds') };
}

/** One of some words. */
export function choice<const C extends string>(choices: readonly C[], preset: C): Option<C, C> {
  const parse = (text: string): C => {
    const found = choices.find((name) => name === text);
    if (found !== undefined) return found;
    throw new BadValue(`is ${quote(text)}: expected ${choices.join(' or ')}`);
  };
  return { kind: { type: 'choice', choices }, preset, parse };
}

/** Anything else: what may stand there only words can tell. */
export function text<T>(parse: (text: string, find: FindTable) => T): Option<T, undefined> {
  return { kind: { type: 'text' }, preset: undefined, parse };
}
