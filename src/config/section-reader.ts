import type { UciOption, UciSection } from '../uci/uci.js';
import type { Option, ValueOf } from './option.js';
import { BadValue, nearest, type Problem, type ProblemList, plain, quote, short } from './problem.js';
import { type FindTable, findTable } from './routing-table.js';

/**
 * Takes a section apart, option by option, and writes a problem for each that is not as it should be. What a parser given
 * to it throws as BadValue ends up in the list; the caller sees only that a value is missing.
 */
export class SectionReader {
  /** Such as `peer 'sn01'`. */
  readonly label: string;
  readonly #file: string;
  readonly #section: UciSection;
  readonly #problems: ProblemList;
  readonly #find: FindTable;
  /** Set as soon as it is known, so that problems found from then on name the interface. */
  ifname: string | undefined;
  /** How bad a fault is. A section that takes no part cannot be worse than a warning. */
  severity: Problem['severity'] = 'error';
  /** Whether anything so far was missing or bad, at whichever severity. */
  faulty = false;

  /** @param find how routing tables are found by name */
  constructor(file: string, section: UciSection, problems: ProblemList, find: FindTable = findTable) {
    this.label = `${section.type} '${short(section.name)}'`;
    this.#file = file;
    this.#section = section;
    this.#problems = problems;
    this.#find = find;
  }

  /** What the section says for an option of the table, or what holds without; faults are in the problems. */
  take<O, N extends keyof O & string>(options: O, name: N): ValueOf<O[N]>;
  take(options: Readonly<Record<string, Option>>, name: string): unknown {
    const option = options[name];
    if (option === undefined) return undefined;
    const { preset, list = false, required } = option;
    const parse = (text: string): unknown => option.parse(text, this.#find);
    if (required !== undefined && !this.#has(name, list)) {
      this.fault(name, `is missing: expected ${required}`);
    }
    return list ? this.list(name, parse) : (this.optional(name, parse) ?? preset);
  }

  /** A single value, spaces around it left out, or undefined if it is absent or bad; the latter is in the problems. */
  optional<T>(name: string, parse: (text: string) => T): T | undefined {
    const option = this.#section.options.get(name);
    if (option === undefined) return undefined;
    if (typeof option.value === 'string') return this.#parse(option, option.value.trim(), option.line, parse);
    this.fault(name, `is a list: expected one value, as in option ${name} '...'`);
    return undefined;
  }

  /** The values of a list, or of an option with spaces between them, without the bad ones. */
  list<T>(name: string, parse: (text: string) => T): T[] {
    const option = this.#section.options.get(name);
    if (option === undefined) return [];
    const items = typeof option.value === 'string' ? [option.value] : option.value;
    const values: T[] = [];
    for (const [i, item] of items.entries()) {
      for (const word of item.split(/\s+/)) {
        if (word === '') continue;
        const value = this.#parse(option, word, option.itemLines[i] ?? option.line, (text) =>
          parse(oneEntry(text)),
        );
        if (value !== undefined) values.push(value);
      }
    }
    return values;
  }

  /**
   * Warns of every option that is not known, with the known one that was probably meant.
   * @param foreign options of other programs, and what is expected instead; empty: they are passed over
   */
  warnOfUnknown(known: readonly string[], foreign: Readonly<Record<string, string>> = {}): void {
    const unknown = [...this.#section.options.values()].filter(({ name }) => !known.includes(name));
    if (unknown.length === 0) return;
    const others = new Map(Object.entries(foreign).map(([name, advice]) => [plain(name), advice]));
    for (const { name, line } of unknown) {
      const advice = others.get(plain(name));
      if (advice === '') continue;
      const meant = nearest(name, known);
      const guess = meant === undefined ? `expected one of ${known.join(', ')}` : `did you mean ${meant}?`;
      const message =
        advice === undefined ? `is not known and has no effect: ${guess}` : `has no effect here: ${advice}`;
      this.#report('warning', line, name, message);
    }
  }

  /** @param list a list without a word in it is none */
  #has(name: string, list: boolean): boolean {
    const value = this.#section.options.get(name)?.value;
    return list ? [value ?? []].flat().join('').trim() !== '' : value !== undefined;
  }

  warn(name: string | undefined, message: string): void {
    this.#report('warning', this.#lineOf(name), name, message);
  }

  fault(name: string | undefined, message: string): void {
    this.#fault(this.#lineOf(name), name, message);
  }

  #fault(line: number, name: string | undefined, message: string): void {
    this.faulty = true;
    this.#report(this.severity, line, name, message);
  }

  #parse<T>(option: UciOption, text: string, line: number, parse: (text: string) => T): T | undefined {
    try {
      return parse(text);
    } catch (error) {
      if (!(error instanceof BadValue)) throw error;
      this.#fault(line, option.name, error.message);
      return undefined;
    }
  }

  #lineOf(name: string | undefined): number {
    const option = name === undefined ? undefined : this.#section.options.get(name);
    return option?.line ?? this.#section.line;
  }

  #report(severity: Problem['severity'], line: number, option: string | undefined, message: string): void {
    const { label: section, ifname } = this;
    this.#problems.add({ severity, file: this.#file, line, section, option, ifname, message });
  }
}

/**
 * An entry of a list. Nothing that stands in a list can hold a comma or a semicolon, and people write them between entries.
 * @throws {BadValue}
 */
function oneEntry(text: string): string {
  const separator = /[,;]/.exec(text)?.[0];
  if (separator === undefined) return text;
  const found = `${quote(text)} has a ${separator === ',' ? 'comma' : 'semicolon'}`;
  throw new BadValue(`${found}: expected spaces between entries, or a list line for each`);
}

/** A section of a type that is not known: a warning, since it may belong to a later version. */
export function unknownSection(file: string, section: UciSection, known: readonly string[]): Problem {
  const { type, name, line } = section;
  const meant = nearest(type, known);
  const advice =
    meant === undefined
      ? `expected ${known.map((k) => `config ${k}`).join(' or ')}`
      : `did you mean ${meant}?`;
  return {
    severity: 'warning',
    file,
    line,
    section: `section '${short(name)}'`,
    option: undefined,
    ifname: undefined,
    message: `its type ${quote(type)} is not known, and it has no effect: ${advice}`,
  };
}
