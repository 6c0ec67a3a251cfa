import { mostText, readFile } from '#platform/files.js';
import { parseUci } from '../uci/uci.js';
import { codeOf } from '../wording.js';
import { Config } from './schema.js';

/** A configuration file that is not there (`missing`) or cannot be read (`unreadable`). `message` says what to do. */
export class ConfigFileError extends Error {
  override readonly name = 'ConfigFileError';
  readonly file: string;
  readonly kind: 'missing' | 'unreadable';

  constructor(file: string, kind: 'missing' | 'unreadable', message: string) {
    super(message);
    this.file = file;
    this.kind = kind;
  }
}

const ADVICE: Readonly<Record<string, string>> = {
  EISDIR: 'expected a file, not a directory',
  EFBIG: `expected at most ${mostText / 1024} KiB`,
};

/** The path of a file in a directory. */
export function inDirectory(dir: string, name: string): string {
  return `${dir.replace(/\/+$/, '')}/${name}`;
}

/**
 * Reads and checks DIR/wgpeerselector.
 * @throws {ConfigFileError} if there is no such file, or it cannot be read
 * @throws {UciError} if it is not a UCI file
 */
export function loadConfig(dir: string): Config {
  const file = inDirectory(dir, 'wgpeerselector');
  const bytes = readConfigFile(file, 'create it with a section "config peer" for each gateway');
  return new Config(parseUci(bytes, { file }), file);
}

/**
 * Reads a file at once: it is small and local, and nobody can change their mind meanwhile.
 *
 * @param create what to do if the file does not exist
 * @throws {ConfigFileError}
 */
export function readConfigFile(file: string, create: string): Uint8Array {
  try {
    return readFile(file, mostText);
  } catch (error) {
    const code = codeOf(error) ?? 'unknown error';
    if (code === 'ENOTDIR') {
      const reason = `${file.slice(0, file.lastIndexOf('/')) || '/'} is no directory: expected the one that holds the file`;
      throw new ConfigFileError(file, 'missing', `${file}: does not exist: ${reason}`);
    }
    if (code === 'ENOENT') {
      const message = `${file}: does not exist: ${create}, or name another directory with --config-dir`;
      throw new ConfigFileError(file, 'missing', message);
    }
    const advice = ADVICE[code] ?? 'expected a file that this user may read';
    throw new ConfigFileError(file, 'unreadable', `${file}: cannot be read (${code}): ${advice}`);
  }
}
