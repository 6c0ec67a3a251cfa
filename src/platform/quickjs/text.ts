import type { Text } from '../text.js';
import { native } from './native.js';

export type * from '../text.js';
export { fromBase64, toBase64 } from './base64.js';

export const decodeLatin1: Text['decodeLatin1'] = native.decodeLatin1;

export const encodeUtf8: Text['encodeUtf8'] = native.encodeUtf8;

export const decodeUtf8: Text['decodeUtf8'] = (bytes, start = 0, end = bytes.length) =>
  native.decodeUtf8(bytes, start, end);

export const isIP: Text['isIP'] = native.ipFamily;
