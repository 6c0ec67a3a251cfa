import { setExitCode, standardOutput } from '#platform/process.js';
import { check } from '../check/check.js';
import { formatProblem } from '../config/index.js';
import { type Command, type OptionSpecs, readArguments } from './arguments.js';
import { EXIT } from './exit.js';
import { checkInterfaceNames } from './options.js';

const HELP = `usage: wgpeerselector check [-i NAME ...] [--config-dir DIR]

Reads the configuration, looks at the kernel, and says what is wrong or will
not work, one line each: error or warning, file, line, and what is expected.

  -i, --interface NAME   only what concerns this interface; may be repeated
      --config-dir DIR   where the configuration is (default /etc/config)
  -h, --help             print this

Changes nothing. Run it as root, or with CAP_NET_ADMIN, to have everything
looked at. Exit codes: 0 no error (warnings do not count), 64 usage, 74
standard output, 78 errors.
`;

const COMMAND = {
  name: 'wgpeerselector check',
  options: {
    interface: { type: 'string', short: 'i', multiple: true },
    'config-dir': { type: 'string' },
    help: { type: 'boolean', short: 'h' },
  },
  stray: (word) => `'${word}' does not belong here: an interface is named by -i NAME`,
} as const satisfies Command<OptionSpecs>;

/**
 * `wgpeerselector check`: writes the findings to standard output and sets the exit code.
 * @param args what follows `check` on the command line
 * @throws {ExitError} 64 with what is wrong with the command line
 */
export async function runCheck(args: readonly string[]): Promise<void> {
  const values = readArguments(args, COMMAND);
  if (values.help) {
    standardOutput.write(HELP);
    return;
  }
  checkInterfaceNames(values.interface ?? [], COMMAND);
  const findings = await check({
    configDir: values['config-dir'] ?? '/etc/config',
    interfaces: values.interface,
  });
  for (const finding of findings) standardOutput.write(`${finding.severity} ${formatProblem(finding)}\n`);
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  standardOutput.write(`${count(errors, 'error')}, ${count(findings.length - errors, 'warning')}\n`);
  setExitCode(errors > 0 ? EXIT.CONFIGURATION : EXIT.OK);
}

function count(number: number, what: string): string {
  return `${number === 0 ? 'no' : number} ${what}${number === 1 ? '' : 's'}`;
}
