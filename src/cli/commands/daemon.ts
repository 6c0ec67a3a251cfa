import { EXIT } from '../exit.js';
import { DAEMON } from '../options.js';
import { CONFIG_DIR, type DescribedCommand, type DescribedOption, HELP, UBUS_SOCKET } from './command.js';

/** The daemon's own command line with its words, which it does not carry itself. */
const OPTIONS = {
  interface: {
    ...DAEMON.options.interface,
    value: 'NAME',
    text: 'the interface to serve; may be repeated',
  },
  'names-from': {
    ...DAEMON.options['names-from'],
    value: 'FILE',
    text: 'a file with their names; read at each reload, too',
  },
  group: { ...DAEMON.options.group, value: 'GROUP', text: 'run with this unix group (needs CAP_SETGID)' },
  'pid-file': {
    ...DAEMON.options['pid-file'],
    value: 'FILE',
    text: 'write the process id to FILE, remove it at the end',
  },
  'config-dir': CONFIG_DIR,
  'ubus-socket': UBUS_SOCKET,
  netifd: {
    ...DAEMON.options.netifd,
    value: 'NAME',
    text: "have netifd's interface NAME up while connected",
  },
  verbose: { ...DAEMON.options.verbose, text: 'log every attempt' },
  version: { ...DAEMON.options.version, text: 'print the version' },
  help: HELP,
} as const satisfies Readonly<Record<keyof typeof DAEMON.options, DescribedOption>>;

/** The daemon as the manual page and the help have it. */
export const DAEMON_COMMAND: DescribedCommand = {
  ...DAEMON,
  options: OPTIONS,
  summary: 'serve interfaces',
  about: `Keeps each WireGuard interface connected to exactly one of the peers that CONFIG-DIR/wgpeerselector lists for it, until SIGTERM or SIGINT: then peer and routes are removed. Without -i and --names-from these are all interfaces that have peers there, but for what another daemon serves. SIGHUP reads the configuration again; interfaces that come or go with it do not disturb the others.`,
  examples: [
    ['wgpeerselector -i vpn', 'serve an interface; it logs to standard error'],
    ['wgpeerselector', 'serve all interfaces that have peers'],
    ['wgpeerselector status', 'how it goes'],
  ],
  exits: {
    [EXIT.OK]: 'ended as asked',
    [EXIT.UNAVAILABLE]: 'no WireGuard in this kernel',
    [EXIT.SOFTWARE]: '',
    [EXIT.CANNOT_CREATE]: '',
    [EXIT.LOCKED]: '',
    [EXIT.NOT_PERMITTED]: '',
    [EXIT.CONFIGURATION]: '',
  },
};
