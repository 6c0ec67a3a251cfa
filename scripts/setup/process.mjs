// Starting programs from the scripts: run one and show it, or run one and read what it says.
import { spawn } from 'node:child_process';

/** EX_UNAVAILABLE of sysexits.h: the exit status of a script for which something is missing here. One line says what. */
export const UNAVAILABLE = 69;

/** A program that ended badly. The message holds the command and the end of what it wrote. */
export class ProgramError extends Error {
  /**
   * @param {string} command
   * @param {string} ending how it ended: `exit status 1`, `signal SIGKILL`
   * @param {string} output what it wrote, as far as it was read
   */
  constructor(command, ending, output) {
    const tail = output.trimEnd().split('\n').slice(-30).join('\n');
    super(`${command}: ${ending}${tail === '' ? '' : `\n${tail}`}`);
    this.name = 'ProgramError';
  }
}

/**
 * Runs a program to its end and returns what it wrote to standard output.
 *
 * @param {string[]} argv the program and its arguments
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, show?: boolean, input?: string | Buffer }} [options]
 *   `show`: the program writes to our own standard output and error instead, and `''` is returned
 * @returns {Promise<string>}
 * @throws {ProgramError} on any other end than exit status 0
 */
export async function run(argv, options = {}) {
  const { status, ending, stdout, stderr } = await attempt(argv, options);
  if (status !== 0) throw new ProgramError(argv.join(' '), ending, stdout + stderr);
  return stdout;
}

/**
 * Runs a program to its end, whatever that end is.
 *
 * @param {string[]} argv
 * @param {{ cwd?: string, env?: NodeJS.ProcessEnv, show?: boolean, input?: string | Buffer }} [options]
 * @returns {Promise<{ status: number | null, ending: string, stdout: string, stderr: string }>}
 *   `status` is null when a signal ended the program or it could not be started
 */
export function attempt(argv, options = {}) {
  const [program = '', ...rest] = argv;
  const out = options.show === true ? 'inherit' : 'pipe';
  return new Promise((resolve) => {
    const child = spawn(program, rest, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: [options.input === undefined ? 'ignore' : 'pipe', out, out],
    });
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text) => {
      stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text) => {
      stderr += text;
    });
    child.stdin?.on('error', () => {}); // a program that does not read its input says so by its status
    child.stdin?.end(options.input);
    child.on('error', (error) => resolve({ status: null, ending: error.message, stdout, stderr }));
    child.on('close', (status, signal) => {
      const ending = signal === null ? `exit status ${status}` : `signal ${signal}`;
      resolve({ status, ending, stdout, stderr });
    });
  });
}
