import { standardOutput } from '#platform/process.js';
import type { Table } from '../../ubus/index.js';
import { EXIT } from '../exit.js';
import {
  type DescribedCommand,
  HELP,
  INTERFACES,
  nameOf,
  noOperand,
  runnable,
  UBUS_SOCKET,
} from './command.js';
import { metricsText } from './metrics-text.js';
import { withDaemons } from './served.js';

const COMMAND = {
  name: nameOf('metrics'),
  summary: 'what a monitoring system asks for',
  about:
    "Prints counters and states of each interface, for Prometheus and its like, in the text format of OpenMetrics, which node_exporter's textfile collector reads as well. In its own format, --prometheus, counters have their types and help there.",
  options: {
    interface: INTERFACES,
    prometheus: { type: 'boolean', text: 'the format of Prometheus before OpenMetrics, 0.0.4' },
    'ubus-socket': UBUS_SOCKET,
    help: HELP,
  },
  examples: [['wgpeerselector metrics --prometheus >FILE.tmp && mv FILE.tmp FILE', 'as a cron job']],
  exits: { [EXIT.OK]: '', [EXIT.UNAVAILABLE]: '', [EXIT.NOT_PERMITTED]: '' },
  stray: noOperand,
} as const satisfies DescribedCommand;

/** `wgpeerselector metrics` */
export const METRICS = runnable(COMMAND, (values) =>
  withDaemons(values, COMMAND, async (daemons) => {
    const answers = new Map<string, Table>();
    for (const one of await daemons.served(values.interface)) answers.set(one.name, await one.ask('metrics'));
    standardOutput.write(metricsText(answers, values.prometheus ?? false));
  }),
);
