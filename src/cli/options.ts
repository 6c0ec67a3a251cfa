import { parseArgs } from 'node:util';
import { EXIT, ExitError } from '../daemon/exit.js';
import { messageOf } from '../daemon/log.js';

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
this kernel, 73 pid file, 75 interface served by another process, 77 not
permitted, 78 configuration.
`;

/** `linux/if.h`, IFNAMSIZ less the terminating NUL. */
const LONGEST_IFNAME = 15;

/**
 * Reads the command line.
 * @throws {ExitError} 64 with what is wrong
 */
export function parseOptions(args: readonly string[]): Options {
  const values = parse(args);
  const print = values.help ? 'help' : values.version ? 'version' : undefined;
  const interfaces = [...new Set(values.interface ?? [])];
  if (print === undefined && interfaces.length === 0) {
    throw usage('name at least one interface with -i NAME');
  }
  for (const name of interfaces) {
    if (name === '' || Buffer.byteLength(name) > LONGEST_IFNAME || /[/\s]/.test(name)) {
      throw usage(
        `'${name}' cannot be the name of an interface: 1 to ${LONGEST_IFNAME} bytes without spaces or slashes`,
      );
    }
  }
  for (const [option, value] of Object.entries(values)) {
    if (value === '') throw usage(`--${option} needs a value`);
  }
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

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
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
    }).values;
  } catch (error) {
    throw usage(messageOf(error));
  }
}

function usage(message: string): ExitError {
  return new ExitError(EXIT.USAGE, `${message} (see wgpeerselector --help)`);
}
