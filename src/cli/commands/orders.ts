import { standardOutput } from '#platform/process.js';
import { nearest } from '../../config/index.js';
import { usage } from '../arguments.js';
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
import { type Served, withDaemons } from './served.js';
import { enabledPeers, words } from './values.js';

const OPTIONS = { interface: INTERFACES, 'ubus-socket': UBUS_SOCKET, help: HELP } as const;
const EXITS = { [EXIT.OK]: '', [EXIT.UNAVAILABLE]: '', [EXIT.NOT_PERMITTED]: '' } as const;

const SELECT_COMMAND = {
  name: nameOf('select'),
  summary: 'connect to this peer now',
  operands: 'PEER',
  about:
    'Leaves the peer that is connected and tries PEER. Where that does not answer, the others have their turns again. A connection that was asked for stays until it is lost or somebody says next.',
  options: OPTIONS,
  examples: [
    ['wgpeerselector select sn02', 'where one interface alone has a peer of that name'],
    ['wgpeerselector select -i vpn sn02', 'on this interface'],
  ],
  exits: { ...EXITS, [EXIT.USAGE]: 'the command line is wrong, or there is no such peer' },
  most: 1,
  stray: (word) => `'${word}' is one too many: one peer can be connected`,
} as const satisfies DescribedCommand;

/** `wgpeerselector select` */
export const SELECT = runnable(SELECT_COMMAND, async (values, [peer]) => {
  if (peer === undefined) throw usage(SELECT_COMMAND, 'name the peer (wgpeerselector peers lists them)');
  await withDaemons(values, SELECT_COMMAND, async (daemons) => {
    const known: string[] = [];
    const having: Served[] = [];
    for (const one of await daemons.served(values.interface)) {
      const names = enabledPeers(await one.ask('peers'));
      known.push(...names);
      if (names.includes(peer)) having.push(one);
    }
    const [one, ...more] = having;
    if (one === undefined) {
      const meant = nearest(peer, known);
      const hint = meant === undefined ? 'wgpeerselector peers lists them' : `did you mean ${meant}?`;
      throw usage(SELECT_COMMAND, `there is no enabled peer '${peer}': ${hint}`);
    }
    if (more.length > 0) {
      const all = having.map(({ name }) => name).join(' and ');
      throw usage(SELECT_COMMAND, `${all} have a peer '${peer}' each: name one of them with -i`);
    }
    await one.ask('select', { peer });
    standardOutput.write(`${words(one.name)}: ${words(peer)} is asked for\n`);
  });
});

const NEXT_COMMAND = {
  name: nameOf('next'),
  summary: 'leave the peer that is connected, and take another',
  about: 'Leaves the peer that is connected. The others are tried before it.',
  options: OPTIONS,
  examples: [['wgpeerselector next', 'on all interfaces']],
  exits: EXITS,
  stray: noOperand,
} as const satisfies DescribedCommand;

/** `wgpeerselector next` */
export const NEXT = runnable(NEXT_COMMAND, (values) =>
  withDaemons(values, NEXT_COMMAND, async (daemons) => {
    for (const one of await daemons.served(values.interface)) {
      await one.ask('next');
      standardOutput.write(`${words(one.name)}: another peer is tried\n`);
    }
  }),
);

const RELOAD_COMMAND = {
  name: nameOf('reload'),
  summary: 'read the configuration again',
  about:
    'Makes the daemon read its configuration again, as SIGHUP does. A connection whose peer has not changed stays as it is. What is wrong in the file is told in the log, and by wgpeerselector check.',
  options: OPTIONS,
  examples: [['wgpeerselector check && wgpeerselector reload', 'only what is without an error']],
  exits: EXITS,
  stray: noOperand,
} as const satisfies DescribedCommand;

/** `wgpeerselector reload` */
export const RELOAD = runnable(RELOAD_COMMAND, (values) =>
  withDaemons(values, RELOAD_COMMAND, async (daemons) => {
    for (const one of await daemons.served(values.interface)) {
      await one.ask('reload');
      standardOutput.write(`${words(one.name)}: its daemon reads the configuration again\n`);
    }
  }),
);
