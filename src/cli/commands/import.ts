import { mostText, readFile } from '#platform/files.js';
import { setExitCode, standardError, standardOutput } from '#platform/process.js';
import { formatProblem } from '../../config/index.js';
import { parseWgQuick, WgQuickError } from '../../wg-quick/wg-quick.js';
import { messageOf, printable } from '../../wording.js';
import { usage } from '../arguments.js';
import { EXIT } from '../exit.js';
import { importFiles, type WgQuickFile } from '../import/import.js';
import { checkInterfaceNames } from '../options.js';
import { type DescribedCommand, HELP, nameOf, runnable } from './command.js';

const COMMAND = {
  name: nameOf('import'),
  summary: 'make a configuration of files of wg-quick',
  operands: 'FILE ...',
  about: `Reads files of wg-quick(8), one for each server as providers hand them out, and prints what makes them peers of one interface: the text of /etc/config/wgpeerselector. Its comments say how the interface itself is made, with --create how its key gets where the daemon reads it. The peers are named after their files.

What does not fit is told on standard error, with file and line. A private key is never printed, and a preshared key only where standard output is no terminal.`,
  options: {
    interface: { type: 'string', short: 'i', value: 'NAME', text: 'the interface (default vpn)' },
    create: {
      type: 'boolean',
      text: 'the daemon is to make the interface, too: option create, and how its key gets into a file',
    },
    help: HELP,
  },
  examples: [
    ['wgpeerselector import *.conf', 'to look at it'],
    ['(umask 077; wgpeerselector import -i vpn *.conf >/etc/config/wgpeerselector)', 'to use it'],
  ],
  exits: { [EXIT.OK]: 'done; warnings do not count', [EXIT.CONFIGURATION]: 'a file has no usable peer' },
  most: Number.POSITIVE_INFINITY,
  stray: String,
} as const satisfies DescribedCommand;

/** `wgpeerselector import` */
export const IMPORT = runnable(COMMAND, async ({ interface: ifname = 'vpn', create = false }, paths) => {
  checkInterfaceNames([ifname], COMMAND);
  if (paths.length === 0) throw usage(COMMAND, 'name the files');
  const errors: string[] = [];
  const files = paths.flatMap((path): WgQuickFile[] => {
    try {
      const file = printable(path);
      return [{ path, sections: parseWgQuick(readFile(path, mostText), { file }) }];
    } catch (error) {
      errors.push(
        error instanceof WgQuickError
          ? error.message
          : `${printable(path)}: cannot be read: ${messageOf(error)}`,
      );
      return [];
    }
  });
  const { text, shown, problems } = importFiles(files, ifname, create);
  const terminal = standardOutput.terminalRows !== undefined;
  standardOutput.write(terminal ? shown : text);
  for (const error of errors) standardError.write(`error ${error}\n`);
  for (const problem of problems) standardError.write(`${problem.severity} ${formatProblem(problem)}\n`);
  if (terminal && shown !== text) {
    standardError.write('preshared keys are not shown on a terminal: they are written to a file or a pipe\n');
  }
  const failed = errors.length > 0 || problems.some(({ severity }) => severity === 'error');
  setExitCode(failed ? EXIT.CONFIGURATION : EXIT.OK);
});
