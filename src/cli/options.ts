import { isIfname, nearest } from '../config/index.js';
import { type Command, type OptionSpecs, readArguments, usage } from './arguments.js';

/** What the command line says. */
export interface Options {
  /** The interfaces to serve, each once, in the order given. */
  readonly interfaces: readonly string[];
  readonly verbose: boolean;
  /** Name or number of the unix group to change to. */
  readonly group: string | undefined;
  readonly pidFile: string | undefined;
  readonly configDir: string;
  readonly ubusSocket: string | undefined;
  /** Print this and do nothing else. */
  readonly print: 'help' | 'version' | undefined;
}

export const HELP = `usage: wgpeerselector -i NAME [-i NAME ...] [options]
       wgpeerselector check [options]   say what is wrong (check --help)

Keeps each WireGuard interface connected to exactly one of the peers that
CONFIG-DIR/wgpeerselector lists for it.

  -i, --interface NAME   the interface to serve; may be repeated
      --group GROUP      run with this unix group (needs CAP_SETGID)
  -p, --pid-file FILE    write the process id to FILE, remove it at the end
      --config-dir DIR   where the configuration is (default /etc/config)
      --ubus-socket PATH where ubusd listens (default: where OpenWrt has it)
  -v, --verbose          log every attempt
      --version          print the version
  -h, --help             print this

Signals: HUP reads the configuration again; TERM and INT remove peer and
routes and exit. Exit codes: 0 ended as asked, 64 usage, 69 no WireGuard in
this kernel, 70 a fault of the program, 73 pid file, 74 standard output, 75
interface served by another process, 77 not permitted, 78 configuration.
`;

const COMMAND = {
  name: 'wgpeerselector',
  options: {
    interface: { type: 'string', short: 'i', multiple: true },
    verbose: { type: 'boolean', short: 'v' },
    group: { type: 'string' },
    'pid-file': { type: 'string', short: 'p' },
    'config-dir': { type: 'string' },
    'ubus-socket': { type: 'string' },
    version: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
  stray(word) {
    if (word === 'check') return 'check has to be the first word: wgpeerselector check [options]';
    const meant = nearest(word, ['check', 'help', 'version']);
    if (meant === 'check') return `'${word}' is no command: did you mean check?`;
    if (meant !== undefined) return `'${word}' is no command: did you mean --${meant}?`;
    return `'${word}' is no command: the only one is check, and an interface is named by -i NAME`;
  },
} as const satisfies Command<OptionSpecs>;

/**
 * Reads the command line.
 * @throws {ExitError} 64 with what is wrong
 */
export function parseOptions(args: readonly string[]): Options {
  const values = readArguments(args, COMMAND);
  const print = values.help ? 'help' : values.version ? 'version' : undefined;
  const interfaces = [...new Set(values.interface ?? [])];
  if (print === undefined && interfaces.length === 0) {
    throw usage(COMMAND, 'name at least one interface with -i NAME');
  }
  checkInterfaceNames(interfaces, COMMAND);
  return {
    interfaces,
    verbose: values.verbose ?? false,
    group: values.group,
    pidFile: values['pid-file'],
    configDir: values['config-dir'] ?? '/etc/config',
    ubusSocket: values['ubus-socket'],
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
