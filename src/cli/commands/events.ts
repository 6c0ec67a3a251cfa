import { standardOutput } from '#platform/process.js';
import { toJson } from '../../json.js';
import type { Table } from '../../ubus/index.js';
import { EXIT, ExitError } from '../exit.js';
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
import { endWithReader, type Paint, paintFor } from './screen.js';
import { withDaemons } from './served.js';
import { duration, words } from './values.js';

const COMMAND = {
  name: nameOf('events'),
  summary: 'follow what happens, one line each',
  about:
    'Prints a line for each connection that is made, each that is lost, and each attempt that fails, from now on until Control-C. With --json each line is an object with time and interface, and what the event on ubus holds.',
  options: { interface: INTERFACES, json: JSON_OUTPUT, 'ubus-socket': UBUS_SOCKET, help: HELP },
  examples: [
    ['wgpeerselector events', 'for people'],
    ['wgpeerselector events --json | while read -r event; do …; done', 'for scripts'],
  ],
  exits: { [EXIT.UNAVAILABLE]: 'no daemon serves the interface, or it has ended', [EXIT.NOT_PERMITTED]: '' },
  stray: noOperand,
} as const satisfies DescribedCommand;

/** `wgpeerselector events` */
export const EVENTS = runnable(COMMAND, (values) =>
  withDaemons(values, COMMAND, async (daemons) => {
    endWithReader();
    const paint = paintFor();
    await daemons.follow(values.interface, (ifname, data) => {
      const now = new Date();
      const line = values.json
        ? toJson({ time: now.toISOString(), interface: ifname, ...data })
        : `${now.toTimeString().slice(0, 8)} ${eventText(ifname, data, paint)}`;
      standardOutput.write(`${line}\n`);
    });
    throw new ExitError(EXIT.UNAVAILABLE, 'the daemon has ended');
  }),
);

function eventText(ifname: string, data: Table, paint: Paint): string {
  const { state, peer, remote_address: remote, reason, kept } = data;
  const where = remote === undefined ? '' : ` ${words(remote)}`;
  const what = (): string => {
    switch (state) {
      case 'established': {
        if (kept === true) return paint.good('still connected');
        return `${paint.good('connected')} to${where}, handshake after ${words(data.handshake_ms)} ms`;
      }
      case 'lost':
        return `${paint.bad('lost')} after ${duration(data.established)}: ${words(reason)}`;
      case 'failed':
        return `${paint.warning('failed')}${where}: ${words(reason)}`;
      default:
        return words(state);
    }
  };
  return `${words(ifname)} ${paint.strong(words(peer))} ${what()}`;
}
