import { printable } from '../../wording.js';

/** A name that a section may have, as like to the text as can be. */
export function uciName(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9_]+/g, '_').replaceAll(/^_+(?=.)|_+$/g, '') || 'peer';
}

/** A word as a shell reads it back, on one line. */
export function shellWord(text: string): string {
  const word = printable(text).replace(/^-/, './-');
  return /^[\w./,:@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
