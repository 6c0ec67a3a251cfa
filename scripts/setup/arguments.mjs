// Command lines of the scripts. A mistake in one is told in a line, and the process ends with EX_USAGE.
import { parseArgs } from 'node:util';

/**
 * `parseArgs`, but a command line that it does not understand ends the process.
 *
 * @template {import('node:util').ParseArgsConfig} T
 * @param {T} config
 * @returns {ReturnType<typeof parseArgs<T>>}
 */
export function parseArguments(config) {
  try {
    return parseArgs(config);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
    process.exit(64);
  }
}

/**
 * Parts our own options from a command that follows them and may have options of its own. The command begins at the first
 * word that is neither an option of ours nor its value, or behind `--`.
 *
 * @template {Record<string, { type: 'string' | 'boolean', multiple?: boolean }>} T
 * @param {T} options
 * @param {string[]} [args]
 */
export function parseBeforeCommand(options, args = process.argv.slice(2)) {
  const { tokens } = parseArgs({ args, options, strict: false, allowPositionals: true, tokens: true });
  const first = tokens.find(({ kind }) => kind !== 'option');
  const at = first?.index ?? args.length;
  return {
    values: parseArguments({ args: args.slice(0, at), options }).values,
    command: args.slice(first?.kind === 'option-terminator' ? at + 1 : at),
  };
}
