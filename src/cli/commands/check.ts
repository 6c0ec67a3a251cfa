import { setExitCode, standardOutput } from '#platform/process.js';
import { check } from '../../check/check.js';
import { formatProblem } from '../../config/index.js';
import { EXIT } from '../exit.js';
import { checkInterfaceNames } from '../options.js';
import { CONFIG_DIR, type DescribedCommand, HELP, nameOf, noOperand, runnable } from './command.js';

const COMMAND = {
  name: nameOf('check'),
  summary: 'say what is wrong with the configuration',
  about: `Reads the configuration, looks at the kernel, and says what is wrong or will not work, one line each: error or warning, file, line, and what is expected.

Changes nothing. Run it as root, or with CAP_NET_ADMIN, to have everything looked at.`,
  options: {
    interface: {
      type: 'string',
      short: 'i',
      multiple: true,
      value: 'NAME',
      text: 'only what concerns this interface; may be repeated',
    },
    'config-dir': CONFIG_DIR,
    help: HELP,
  },
  examples: [['wgpeerselector check', 'everything that /etc/config/wgpeerselector says']],
  exits: { [EXIT.OK]: 'no error (warnings do not count)', [EXIT.CONFIGURATION]: 'errors' },
  stray: noOperand,
} as const satisfies DescribedCommand;

/** `wgpeerselector check`: writes the findings to standard output. */
export const CHECK = runnable(COMMAND, async (values) => {
  checkInterfaceNames(values.interface ?? [], COMMAND);
  const findings = await check({
    configDir: values['config-dir'] ?? '/etc/config',
    interfaces: values.interface,
  });
  for (const finding of findings) standardOutput.write(`${finding.severity} ${formatProblem(finding)}\n`);
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  standardOutput.write(`${count(errors, 'error')}, ${count(findings.length - errors, 'warning')}\n`);
  setExitCode(errors > 0 ? EXIT.CONFIGURATION : EXIT.OK);
});

function count(number: number, what: string): string {
  return `${number === 0 ? 'no' : number} ${what}${number === 1 ? '' : 's'}`;
}
