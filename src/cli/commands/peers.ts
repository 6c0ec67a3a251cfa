import { standardOutput } from '#platform/process.js';
import { type JsonInput, toJson } from '../../json.js';
import type { Table } from '../../ubus/index.js';
import { EXIT } from '../exit.js';
import { columns } from './columns.js';
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
import { type Paint, paintFor } from './screen.js';
import { withDaemons } from './served.js';
import { duration, enabledPeers, list, table, words } from './values.js';

const COMMAND = {
  name: nameOf('peers'),
  summary: 'the peers that each interface may be connected to',
  about: 'Lists the peers that are configured for each interface, and says which one is connected.',
  options: {
    interface: INTERFACES,
    names: { type: 'boolean', text: 'only the names of those that are enabled, one a line' },
    json: JSON_OUTPUT,
    'ubus-socket': UBUS_SOCKET,
    help: HELP,
  },
  examples: [
    ['wgpeerselector peers -i vpn', 'those of one interface'],
    ['wgpeerselector peers --names', 'what may follow select'],
  ],
  exits: { [EXIT.OK]: '', [EXIT.UNAVAILABLE]: '', [EXIT.NOT_PERMITTED]: '' },
  stray: noOperand,
} as const satisfies DescribedCommand;

/** `wgpeerselector peers` */
export const PEERS = runnable(COMMAND, (values) =>
  withDaemons(values, COMMAND, async (daemons) => {
    const json = new Map<string, JsonInput>();
    for (const [place, one] of (await daemons.served(values.interface)).entries()) {
      const answer = await one.ask('peers');
      if (values.json) json.set(one.name, answer);
      else if (values.names) {
        standardOutput.write(
          enabledPeers(answer)
            .map((name) => `${words(name)}\n`)
            .join(''),
        );
      } else {
        const text = peersText(one.name, answer, await one.ask('status'), paintFor());
        standardOutput.write(place === 0 ? text : `\n${text}`);
      }
    }
    if (values.json) standardOutput.write(`${toJson(json)}\n`);
  }),
);

function peersText(ifname: string, answer: Table, status: Table, paint: Paint): string {
  const states = table(status.peers);
  const rows = Object.entries(table(answer.peers)).map(([name, value]) => {
    const { enabled, priority, weight, endpoints, public_key: key, run_time: given } = table(value);
    const { established } = table(states[name]);
    const state =
      established !== undefined
        ? paint.good(`connected for ${duration(established)}`)
        : enabled === true
          ? 'ready'
          : 'not enabled';
    return [
      established === undefined ? words(name) : paint.strong(words(name)),
      given === true ? `${state}, given at run time` : state,
      words(priority),
      words(weight),
      list(endpoints).map(words).join(' '),
      words(key),
    ];
  });
  const head = ['peer', 'state', 'priority', 'weight', 'endpoints', 'public key'].map(paint.strong);
  const title = `${paint.good(paint.strong('interface'))}: ${paint.good(words(ifname))}\n`;
  return title + columns([head, ...rows], '  ');
}
