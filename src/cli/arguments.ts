import { type ParseArgsConfig, parseArgs } from 'node:util';
import { nearest } from '../config/index.js';
import { messageOf } from '../wording.js';
import { EXIT, ExitError } from './exit.js';

/** Options as util.parseArgs takes them, by their long names. */
export type OptionSpecs = NonNullable<ParseArgsConfig['options']>;
/** What it makes of them. */
type Values<T extends OptionSpecs> = ReturnType<typeof parseArgs<{ args: string[]; options: T }>>['values'];

/** What a command line may hold. */
export interface Command<T extends OptionSpecs> {
  /** How one calls it, for the hint at the end of every message: `wgpeerselector check`. */
  readonly name: string;
  readonly options: T;
  /** What to say of a word that is no option. */
  stray(word: string): string;
}

/**
 * Reads a command line: what util.parseArgs gives, and every mistake in words of our own, with what was probably meant.
 * @throws {ExitError} 64 with what is wrong
 */
export function readArguments<T extends OptionSpecs>(
  args: readonly string[],
  command: Command<T>,
): Values<T> {
  const { options } = command;
  try {
    const given: OptionSpecs = options;
    const config = { args: [...args], options: given, strict: false } as const;
    for (const token of parseArgs({ ...config, allowPositionals: true, tokens: true }).tokens) {
      if (token.kind === 'positional') throw usage(command, command.stray(token.value));
      if (token.kind === 'option') {
        const fault = faultOf(token, options);
        if (fault !== undefined) throw usage(command, fault);
      }
    }
    return parseArgs({ args: [...args], options }).values;
  } catch (error) {
    throw error instanceof ExitError ? error : usage(command, messageOf(error));
  }
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
  readonly inlineValue: boolean | undefined;
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
  // A `=` belongs to long options: parseArgs takes that of `-i=vpn` for a part of the value.
  if (!rawName.startsWith('--') && value?.startsWith('=')) {
    return `${rawName}${value}: expected ${rawName} ${value.slice(1)} or --${name}${value}`;
  }
  if (value === undefined || value === '') return `${rawName} needs a value`;
  if (!inlineValue && value.startsWith('-')) {
    return `${rawName} needs a value, and ${value} looks like an option (if it is none: --${name}=${value})`;
  }
  return undefined;
}
