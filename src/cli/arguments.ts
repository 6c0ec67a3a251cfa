import { nearest } from '../config/index.js';
import { EXIT, ExitError } from './exit.js';

/** An option of a command line. */
export interface OptionSpec {
  readonly type: 'string' | 'boolean';
  /** The letter that stands for it. */
  readonly short?: string;
  /** It may be repeated, and gives an array. */
  readonly multiple?: boolean;
}
/** Options by their long names. */
export type OptionSpecs = Readonly<Record<string, OptionSpec>>;
type ValueOf<S extends OptionSpec> = S extends { type: 'boolean' }
  ? boolean
  : S extends { multiple: true }
    ? string[]
    : string;
/** What was given, by the options' long names. */
export type Values<T extends OptionSpecs> = { -readonly [Name in keyof T]?: ValueOf<T[Name]> };

/** What a command line may hold. */
export interface Command<T extends OptionSpecs> {
  /** How one calls it, for the hint at the end of every message: `wgpeerselector check`. */
  readonly name: string;
  readonly options: T;
  /** How many words it takes that are no options; none unless said. */
  readonly most?: number;
  /** What to say of a word that is no option, and one too many. */
  stray(word: string): string;
}

/**
 * Reads a command line as getopt_long(3) does: `--name value`, `--name=value`, `-n value`, `-nvalue`, letters together. Every mistake is
 * told in words of our own, with what was probably meant.
 * @throws {ExitError} 64 with what is wrong
 */
export function readArguments<T extends OptionSpecs>(
  args: readonly string[],
  command: Command<T>,
): { readonly values: Values<T>; readonly operands: readonly string[] } {
  const { options, most = 0 } = command;
  const values: Record<string, unknown> = {};
  const operands: string[] = [];
  for (const written of words(args, options)) {
    if (typeof written === 'string') {
      if (operands.push(written) > most) throw usage(command, command.stray(written));
      continue;
    }
    const fault = faultOf(written, options);
    if (fault !== undefined) throw usage(command, fault);
    const { name, value } = written;
    const before = values[name];
    values[name] =
      value === undefined || !options[name]?.multiple
        ? (value ?? true)
        : [...(Array.isArray(before) ? before : []), value];
  }
  return { values: values as Values<T>, operands };
}

/** The error for a mistake in a command line. */
export function usage({ name }: { readonly name: string }, message: string): ExitError {
  return new ExitError(EXIT.USAGE, `${message} (see ${name} --help)`);
}

/** An option as it was written. */
interface Written {
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  /** Whether the value stands behind a `=`, or is the next word. */
  readonly inlineValue: boolean;
}

/** Options as they were written, and words that are none. */
function* words(args: readonly string[], options: OptionSpecs): Generator<Written | string> {
  const rest = [...args];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (word === '--') return yield* rest;
    if (word.startsWith('--')) {
      const [, name = '', inline] = /^--([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
      yield written(name, `--${name}`, inline);
    } else if (!word.startsWith('-') || word === '-') yield word;
    else {
      for (let letters = word.slice(1); letters !== ''; ) {
        const [letter = ''] = letters;
        letters = letters.slice(letter.length);
        const known = Object.entries(options).find(([, { short }]) => short === letter);
        const takesValue = known?.[1].type === 'string';
        yield written(known?.[0] ?? letter, `-${letter}`, takesValue && letters !== '' ? letters : undefined);
        if (takesValue) break;
      }
    }
  }

  function written(name: string, rawName: string, inline: string | undefined): Written {
    const wantsValue = Object.hasOwn(options, name) && options[name]?.type === 'string';
    const value = inline ?? (wantsValue ? rest.shift() : undefined);
    return { name, rawName, value, inlineValue: inline !== undefined };
  }
}

function faultOf({ name, rawName, value, inlineValue }: Written, options: OptionSpecs): string | undefined {
  const spec = Object.hasOwn(options, name) ? options[name] : undefined;
  if (spec === undefined) {
    const known = Object.keys(options);
    const meant = known.find((one) => name.length > 1 && one.startsWith(name)) ?? nearest(name, known);
    return `there is no option ${rawName}${meant === undefined ? '' : `: did you mean --${meant}?`}`;
  }
  if (spec.type === 'boolean') {
    return value === undefined ? undefined : `${rawName} takes no value, and has '${value}'`;
  }
  // A `=` belongs to long options: that of `-i=vpn` would be a part of the value.
  if (!rawName.startsWith('--') && value?.startsWith('=')) {
    return `${rawName}${value}: expected ${rawName} ${value.slice(1)} or --${name}${value}`;
  }
  if (value === undefined || value === '') return `${rawName} needs a value`;
  if (!inlineValue && value.startsWith('-')) {
    return `${rawName} needs a value, and ${value} looks like an option (if it is none: --${name}=${value})`;
  }
  return undefined;
}
