import { standardOutput } from '#platform/process.js';
import { type Command, type OptionSpec, readArguments, type Values } from '../arguments.js';
import type { CommandName } from '../options.js';
import { helpOf } from './help.js';

/** What the value of an option is, by the word that stands for it in the help. Completion goes by it. */
export type ValueName = 'NAME' | 'GROUP' | 'FILE' | 'DIR' | 'PATH';

/** An option with what it means. */
export interface DescribedOption extends OptionSpec {
  readonly value?: ValueName;
  readonly text: string;
}

/** Options by their long names. */
export type DescribedOptions = Readonly<Record<string, DescribedOption>>;

/** A command line and all that is said of it: by its help, by the manual page, by completion. */
export interface DescribedCommand<T extends DescribedOptions = DescribedOptions> extends Command<T> {
  /** In a few words, for lists. */
  readonly summary: string;
  /** What follows the options. */
  readonly operands?: 'PEER' | 'FILE ...' | '[SERVER ...]' | '[COMMAND]';
  /** Paragraphs with an empty line between them. */
  readonly about: string;
  /** Command lines, and what each is for. */
  readonly examples: readonly (readonly [line: string, what: string])[];
  /** What an exit code means here where it is not what it always means. */
  readonly exits: Readonly<Record<number, string>>;
}

/** A command that can be run. */
export interface Runnable {
  readonly command: DescribedCommand;
  /** @param args what follows the command's name */
  run(args: readonly string[]): Promise<void>;
}

/** Joins a command line to what is done for it; `--help` is answered here. */
export function runnable<T extends DescribedOptions>(
  command: DescribedCommand<T>,
  act: (values: Values<T>, operands: readonly string[]) => Promise<void>,
): Runnable {
  return {
    command,
    async run(args) {
      const { values, operands } = readArguments(args, command);
      if ('help' in values) standardOutput.write(helpOf(command));
      else await act(values, operands);
    },
  };
}

/** `--help`, which every command has. */
export const HELP = { type: 'boolean', short: 'h', text: 'print this' } as const satisfies DescribedOption;

/** `--json` */
export const JSON_OUTPUT = {
  type: 'boolean',
  text: 'print JSON, for programs',
} as const satisfies DescribedOption;

/** `--config-dir` */
export const CONFIG_DIR = {
  type: 'string',
  value: 'DIR',
  text: 'where the configuration is (default /etc/config)',
} as const satisfies DescribedOption;

/** `--ubus-socket` */
export const UBUS_SOCKET = {
  type: 'string',
  value: 'PATH',
  text: 'where ubusd listens (default: where OpenWrt has it)',
} as const satisfies DescribedOption;

/** For commands that ask all daemons unless interfaces are named. */
export const INTERFACES = {
  type: 'string',
  short: 'i',
  multiple: true,
  value: 'NAME',
  text: 'this interface only; may be repeated (default: all that are served)',
} as const satisfies DescribedOption;

/** How a command is called, for the hint at the end of messages. */
export function nameOf(command: CommandName): string {
  return `wgpeerselector ${command}`;
}

/** What to say to a word where a command takes none. */
export function noOperand(word: string): string {
  return `'${word}' does not belong here: an interface is named by -i NAME`;
}
