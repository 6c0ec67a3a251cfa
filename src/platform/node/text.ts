import { isIP as nodeIsIP } from 'node:net';
import type { Text } from '../text.js';

export { decodeLatin1 } from '../latin1.js';
export type * from '../text.js';

export const encodeUtf8: Text['encodeUtf8'] = (text) => Buffer.from(text);

export const decodeUtf8: Text['decodeUtf8'] = (bytes, start, end) => {
  const { buffer, byteOffset, length } = bytes;
  const own = bytes instanceof Buffer ? bytes : Buffer.from(buffer, byteOffset, length);
  return own.toString('utf8', start, end);
};

export const toBase64: Text['toBase64'] = ({ buffer, byteOffset, length }) =>
  Buffer.from(buffer, byteOffset, length).toString('base64');

export const fromBase64: Text['fromBase64'] = (text) => Buffer.from(text, 'base64');

export const isIP: Text['isIP'] = (text) => {
  const family = nodeIsIP(text);
  return family === 4 || family === 6 ? family : 0;
};
