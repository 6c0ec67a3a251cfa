import { standardOutput } from '#platform/process.js';
import { VERSION } from '../version.js';
import { usage } from './arguments.js';
import { CHECK } from './commands/check.js';
import {
  type DescribedCommand,
  HELP,
  nameOf,
  noOperand,
  type Runnable,
  runnable,
} from './commands/command.js';
import { DAEMON_COMMAND } from './commands/daemon.js';
import { EVENTS } from './commands/events.js';
import { EXPORT } from './commands/export.js';
import { exampleLines, exitLines, helpOf, hung, optionLines, wrapped } from './commands/help.js';
import { IMPORT } from './commands/import.js';
import { METRICS } from './commands/metrics.js';
import { NTP } from './commands/ntp.js';
import { NEXT, RELOAD, SELECT } from './commands/orders.js';
import { PEERS } from './commands/peers.js';
import { STATUS } from './commands/status.js';
import { EXIT } from './exit.js';
import { type CommandName, DAEMON, isCommandName, noCommand } from './options.js';

const VERSION_COMMAND = {
  name: nameOf('version'),
  summary: 'print the version',
  about: 'Prints the version of the program. That of a daemon that runs is told by status.',
  options: { help: HELP },
  examples: [],
  exits: { [EXIT.OK]: '' },
  stray: noOperand,
} as const satisfies DescribedCommand;

const HELP_COMMAND = {
  name: nameOf('help'),
  summary: 'say more about a command',
  operands: '[COMMAND]',
  about: 'Prints what a command does, its options, examples, and exit codes.',
  options: { help: HELP },
  examples: [['wgpeerselector help status', '']],
  exits: { [EXIT.OK]: '' },
  most: 1,
  stray: noOperand,
} as const satisfies DescribedCommand;

/** Every command: the one table from which help, manual page and completion come. */
export const COMMANDS: Readonly<Record<CommandName, Runnable>> = {
  status: STATUS,
  peers: PEERS,
  select: SELECT,
  next: NEXT,
  reload: RELOAD,
  events: EVENTS,
  metrics: METRICS,
  check: CHECK,
  import: IMPORT,
  export: EXPORT,
  ntp: NTP,
  version: runnable(VERSION_COMMAND, async () => standardOutput.write(`wgpeerselector ${VERSION}\n`)),
  help: runnable(HELP_COMMAND, async (_, [word]) => {
    if (word === undefined) standardOutput.write(programHelp());
    else if (isCommandName(word)) standardOutput.write(helpOf(COMMANDS[word].command));
    else throw usage(DAEMON, noCommand(word));
  }),
};

export { DAEMON_COMMAND };

/**
 * Does what a person asks for.
 * @param word the first word of the command line
 * @throws {ExitError} with what is wrong, and the exit code
 */
export async function runCommand(word: string, args: readonly string[]): Promise<void> {
  if (!isCommandName(word)) throw usage(DAEMON, noCommand(word));
  await COMMANDS[word].run(args);
}

/** What `--help` prints. */
export function programHelp(): string {
  const commands = Object.entries(COMMANDS).map(([name, { command }]) =>
    hung(
      `  ${name}${command.operands === undefined ? '' : ` ${command.operands}`}`.padEnd(24),
      command.summary,
    ),
  );
  return `usage: wgpeerselector [-i NAME ...] [options]
       wgpeerselector COMMAND [options]

${wrapped(DAEMON_COMMAND.about)}

${optionLines(DAEMON_COMMAND.options)}

Commands (wgpeerselector help COMMAND says more):
${commands.join('\n')}

${exampleLines(DAEMON_COMMAND.examples)}

${exitLines(DAEMON_COMMAND)}
`;
}
