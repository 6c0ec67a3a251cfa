import { EXIT } from '../exit.js';
import type { DescribedCommand } from './command.js';

/** What exit codes mean wherever nothing else is said. */
const TEXTS: Readonly<Record<number, string>> = {
  [EXIT.OK]: 'done',
  [EXIT.NEGATIVE]: 'the answer is no',
  [EXIT.USAGE]: 'the command line is wrong',
  [EXIT.UNAVAILABLE]: 'no daemon serves the interface',
  [EXIT.SOFTWARE]: 'a fault of the program',
  [EXIT.CANNOT_CREATE]: 'the pid file cannot be written',
  [EXIT.IO_ERROR]: 'standard output cannot be written',
  [EXIT.LOCKED]: 'another process serves the interface',
  [EXIT.NOT_PERMITTED]: 'not permitted',
  [EXIT.CONFIGURATION]: 'the configuration is of no use',
};

/** The exit codes that a command may end with, and their meanings, in the order of the codes. */
export function exitTexts({ exits }: Pick<DescribedCommand, 'exits'>): [code: number, text: string][] {
  return Object.keys({ ...exits, [EXIT.USAGE]: '', [EXIT.IO_ERROR]: '' })
    .map(Number)
    .sort((a, b) => a - b)
    .map((code) => [code, exits[code] || TEXTS[code] || '']);
}
