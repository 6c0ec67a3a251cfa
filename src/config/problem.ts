import { printable } from '../wording.js';

/** Something in a configuration file that a person should look at. */
export interface Problem {
  /**
   * `error`: the section (for settings of an interface: the option) is left out. `warning`: it is used, and probably not
   * as intended; also every fault of a peer that is not enabled.
   */
  readonly severity: 'error' | 'warning';
  readonly file: string;
  /** Counts from 1; undefined if it is about the file as a whole. */
  readonly line: number | undefined;
  /** Such as `peer 'sn01'`; undefined if it is about the file as a whole. */
  readonly section: string | undefined;
  readonly option: string | undefined;
  /** The interface whose peers or settings it is about, where that could be read. */
  readonly ifname: string | undefined;
  /** What is wrong and what is expected. Never holds a key other than a public one. */
  readonly message: string;
}

/** One line: `/etc/config/wgpeerselector:12: peer 'sn01', option public_key: has length 40: expected ...`. */
export function formatProblem(problem: Problem): string {
  const { file, line, section, option, message } = problem;
  const place = line === undefined ? file : `${file}:${line}`;
  const subject = [section, option === undefined ? undefined : `option ${short(option)}`].filter(
    (s) => s !== undefined,
  );
  return [place, subject.join(', '), message].filter((s) => s !== '').join(': ');
}

/** Of each severity, as many of one file are kept: whoever mends these finds the rest. */
const MOST_PROBLEMS = 100;

/** Problems of one file. However many there are, they take little memory and few lines of a log. */
export class ProblemList {
  readonly #file: string;
  readonly #kept: Problem[] = [];
  readonly #found: Record<Problem['severity'], number> = { error: 0, warning: 0 };

  constructor(file: string) {
    this.#file = file;
  }

  add(problem: Problem): void {
    this.#found[problem.severity]++;
    if (this.#found[problem.severity] <= MOST_PROBLEMS) this.#kept.push(problem);
  }

  /** In the order of the file. What was not kept is counted at the end. */
  sorted(): Problem[] {
    const nowhere = {
      file: this.#file,
      line: undefined,
      section: undefined,
      option: undefined,
      ifname: undefined,
    };
    const more = (['error', 'warning'] as const).flatMap((severity): Problem[] => {
      const left = this.#found[severity] - MOST_PROBLEMS;
      return left <= 0 ? [] : [{ ...nowhere, severity, message: `has ${left} more ${severity}s like these` }];
    });
    return [...this.#kept.sort((a, b) => (a.line ?? 0) - (b.line ?? 0)), ...more];
  }
}

/** The reason why a value was not taken. Only src/config throws it, and only src/config sees it. */
export class BadValue extends Error {
  override readonly name = 'BadValue';
}

/**
 * A value of the file for use in a message. A value that could be a key, put where it does not belong, is not shown;
 * control and invisible characters are, as escapes, so that a value cannot forge a line of the log.
 */
export function quote(value: string): string {
  if (/[A-Za-z0-9+/]{40}/.test(value)) return `a value of ${value.length} characters`;
  return `'${printable(short(value))}'`;
}

/** The beginning of what is too long for a line. */
export function short(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}...` : text;
}

/** A name without what people write in different ways: `PublicKey`, `public-key` and `public_key` are one. */
export function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[_-]/g, '');
}

/** The known name that `name` was most likely meant to be: at most two letters away, written apart or in capitals. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined;
  let least = 3;
  for (const candidate of known) {
    const [a, b] = [plain(name), plain(candidate)];
    // A short name is two letters away from nearly everything.
    if (a !== b && Math.min(a.length, b.length) < 4) continue;
    const distance = editDistance(a, b);
    if (distance < least) [best, least] = [candidate, distance];
  }
  return best;
}

/** Levenshtein's distance, or 3 where the lengths alone make it 3 or more. */
function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return 3;
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const below = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      below.push(Math.min(replace, (row[j] ?? 0) + 1, (below[j - 1] ?? 0) + 1));
    }
    row = below;
  }
  return row[b.length] ?? 0;
}
