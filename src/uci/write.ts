/** Whether a section may be named so. */
export function isUciName(text: string): boolean {
  return /^[A-Za-z0-9_]+$/.test(text);
}

/** A value as UCI reads it back. */
export function uciWord(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
