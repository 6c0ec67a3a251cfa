/** Programs that the lab starts: short ones, run to their end, and long ones that end with the lab. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';

/** How a program ended. */
export interface Ending {
  /** Exit status; null after a signal. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * Runs a program to its end.
 *
 * @param input given to its standard input
 * @returns what it wrote to standard output
 * @throws Error with what it wrote to standard error, unless it ended with exit status 0
 */
export async function exec(argv: readonly string[], input = ''): Promise<string> {
  const { code, signal, stdout, stderr } = await attempt(argv, input);
  if (code === 0) return stdout;
  throw new Error(`${argv.join(' ')}: ${signal ?? `exit status ${code}`}\n${stderr}`);
}

/** Runs `ip` commands in a network namespace, all in one program; stops at the first that fails. */
export async function ipBatch(namespace: string, commands: readonly string[]): Promise<void> {
  const input = commands.map((line) => `${line}\n`).join('');
  await exec(['ip', '-n', namespace, '-batch', '-'], input).catch((error: Error) => {
    throw new Error(`${error.message}its input:\n${input}`);
  });
}

/** Runs a program to its end, whatever that is. */
export function attempt(
  argv: readonly string[],
  input = '',
): Promise<Ending & { readonly stdout: string; readonly stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = start(argv);
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
    child.stdin.end(input);
  });
}

/** Starts a program with three pipes. */
export function start(
  argv: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): ChildProcessWithoutNullStreams {
  const [program = '', ...args] = argv;
  const child = spawn(program, args, { env, stdio: 'pipe' });
  child.stdin.on('error', () => {}); // a program that does not read its input tells why by its ending
  return child;
}
