import { setExitCode, standardOutput } from '#platform/process.js';
import { toJson } from '../../json.js';
import { messageOf } from '../../wording.js';
import { EXIT } from '../exit.js';
import {
  type DescribedCommand,
  HELP,
  INTERFACES,
  JSON_OUTPUT,
  nameOf,
  noOperand,
  runnable,
  UBUS_SOCKET,
} from './command.js';
import { paintFor, watch } from './screen.js';
import { type Daemons, withDaemons } from './served.js';
import { type Info, statusText } from './status-text.js';

const COMMAND = {
  name: nameOf('status'),
  summary: 'what each interface is connected to, and since when',
  about:
    'Shows what each interface is connected to. Run it as root, or as the user of the daemon. It is coloured on a terminal, unless NO_COLOR is set.',
  options: {
    interface: INTERFACES,
    watch: { type: 'boolean', short: 'w', text: 'look again each second, until Control-C' },
    json: JSON_OUTPUT,
    'ubus-socket': UBUS_SOCKET,
    help: HELP,
  },
  examples: [
    ['wgpeerselector status --watch', 'how it goes, each second'],
    ['wgpeerselector status -i vpn >/dev/null && echo connected', 'in a script'],
  ],
  exits: {
    [EXIT.OK]: 'all interfaces are connected',
    [EXIT.NEGATIVE]: 'one of them is not',
    [EXIT.UNAVAILABLE]: '',
    [EXIT.NOT_PERMITTED]: '',
  },
  stray: noOperand,
} as const satisfies DescribedCommand;

/** `wgpeerselector status` */
export const STATUS = runnable(COMMAND, (values) =>
  withDaemons(values, COMMAND, async (daemons) => {
    const ask = (): Promise<Map<string, Info>> => askAll(daemons, values.interface);
    const shown = (all: Map<string, Info>): string => {
      if (values.json) return `${toJson(all)}\n`;
      const paint = paintFor();
      return [...all].map(([name, info]) => statusText(name, info, paint)).join('\n');
    };
    if (values.watch) {
      await watch(() => ask().then(shown, (error: unknown) => `${messageOf(error)}\n`));
    } else {
      const all = await ask();
      standardOutput.write(shown(all));
      const connected = [...all.values()].every(({ state }) => state === 'established');
      setExitCode(connected ? EXIT.OK : EXIT.NEGATIVE);
    }
  }),
);

async function askAll(daemons: Daemons, wanted: readonly string[] | undefined): Promise<Map<string, Info>> {
  const all = new Map<string, Info>();
  for (const one of await daemons.served(wanted)) all.set(one.name, await one.ask('info'));
  return all;
}
