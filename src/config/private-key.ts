import { readFile } from '#platform/files.js';
import { decodeUtf8 } from '#platform/text.js';
import { codeOf } from '../wording.js';
import { parseKey } from './key.js';
import { ConfigFileError } from './load.js';
import { BadValue } from './problem.js';
import { Secret } from './secret.js';

/** Bytes: there is a key in it, and perhaps an end of the line. */
const MOST = 4096;

/**
 * Reads a private key from a file as `wg genkey` writes it: base64 and the end of the line. No message shows what stands there.
 * @throws {ConfigFileError} there is none for us
 */
export function readPrivateKey(file: string): Secret {
  let text: string;
  try {
    text = decodeUtf8(readFile(file, MOST)).trim();
  } catch (error) {
    const code = codeOf(error) ?? 'unknown error';
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      const message = `${file}: does not exist: expected the private key there, as wg genkey writes it`;
      throw new ConfigFileError(file, 'missing', message);
    }
    const message = `${file}: cannot be read (${code}): expected a file with a private key that this user may read`;
    throw new ConfigFileError(file, 'unreadable', message);
  }
  try {
    const key = parseKey(text);
    if (/^A+=$/.test(key)) throw new BadValue('is all zeros: expected what wg genkey writes');
    return new Secret(key);
  } catch (error) {
    if (!(error instanceof BadValue)) throw error;
    throw new ConfigFileError(file, 'unreadable', `${file}: holds no private key: it ${error.message}`);
  }
}
