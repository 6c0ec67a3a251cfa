import { isIfname, nearest } from '../config/index.js';
import { type Command, type OptionSpecs, readArguments, usage } from './arguments.js';

/** The words that may come first. What they do is loaded when one does: src/cli/commands.ts. */
export const COMMAND_NAMES = [
  'status',
  'peers',
  'select',
  'next',
  'reload',
  'events',
  'metrics',
  'check',
  'import',
  'export',
  'ntp',
  'version',
  'help',
] as const;

/** One of {@link COMMAND_NAMES}. */
export type CommandName = (typeof COMMAND_NAMES)[number];

/** What the command line says. */
export interface Options {
  /** The interfaces to serve, each once, in the order given. */
  readonly interfaces: readonly string[];
  /** A file that names them instead. */
  readonly namesFrom: string | undefined;
  readonly verbose: boolean;
  /** Name or number of the unix group to change to. */
  readonly group: string | undefined;
  readonly pidFile: string | undefined;
  readonly configDir: string;
  readonly ubusSocket: string | undefined;
  /** netifd's interface that follows the connection of the one that is served. */
  readonly netifd: string | undefined;
  /** Print this and do nothing else. */
  readonly print: 'help' | 'version' | undefined;
}

/** The command line of the daemon. */
export const DAEMON = {
  name: 'wgpeerselector',
  options: {
    interface: { type: 'string', short: 'i', multiple: true },
    'names-from': { type: 'string' },
    group: { type: 'string' },
    'pid-file': { type: 'string', short: 'p' },
    'config-dir': { type: 'string' },
    'ubus-socket': { type: 'string' },
    netifd: { type: 'string' },
    verbose: { type: 'boolean', short: 'v' },
    version: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
  stray: (word) =>
    isCommandName(word)
      ? `${word} has to be the first word: wgpeerselector ${word} [options]`
      : noCommand(word),
} as const satisfies Command<OptionSpecs>;

/** Whether it is the name of a command. */
export function isCommandName(word: string): word is CommandName {
  return COMMAND_NAMES.some((name) => name === word);
}

/** What to say of a word that is no command. */
export function noCommand(word: string): string {
  const meant = nearest(word, COMMAND_NAMES);
  return `'${word}' is no command: ${
    meant === undefined
      ? `expected one of ${COMMAND_NAMES.join(', ')}, and an interface is named by -i NAME`
      : `did you mean ${meant}?`
  }`;
}

/**
 * Reads the command line.
 * @throws {ExitError} 64 with what is wrong
 */
export function parseOptions(args: readonly string[]): Options {
  const { values } = readArguments(args, DAEMON);
  const print = values.help ? 'help' : values.version ? 'version' : undefined;
  const interfaces = [...new Set(values.interface ?? [])];
  if (interfaces.length > 0 && values['names-from'] !== undefined) {
    throw usage(DAEMON, 'name the interfaces with -i, or a file that does with --names-from: not both');
  }
  checkInterfaceNames(interfaces, DAEMON);
  if (values.netifd !== undefined && interfaces.length !== 1)
    throw usage(DAEMON, '--netifd needs one -i, the interface whose connection netifd is to follow');
  return {
    interfaces,
    namesFrom: values['names-from'],
    verbose: values.verbose ?? false,
    group: values.group,
    pidFile: values['pid-file'],
    configDir: values['config-dir'] ?? '/etc/config',
    ubusSocket: values['ubus-socket'],
    netifd: values.netifd,
    print,
  };
}

/** @throws {ExitError} 64 for the first that no interface can have */
export function checkInterfaceNames(names: readonly string[], command: { readonly name: string }): void {
  for (const name of names) {
    // The kernel takes a comma; nobody has one in a name, and a list of names is what it stands for.
    if (isIfname(name) && !name.includes(',')) continue;
    const expected = /[\s,]./.test(name)
      ? 'one -i for each interface'
      : '1 to 15 bytes without spaces, / and :';
    throw usage(command, `'${name}' cannot be the name of an interface: ${expected}`);
  }
}
