/** A place in a file. Both count from 1; the column counts UTF-16 units, as editors do. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/**
 * A text that is not a UCI file. `message` is complete for a person: file, line, column, what was found and what
 * was expected. It never holds a value of the file, because a value may be a key.
 */
export class UciError extends Error {
  override readonly name = 'UciError';
  /** The name given to `parseUci`, or undefined. */
  readonly file: string | undefined;
  readonly line: number;
  readonly column: number;
  /** The message without the place. */
  readonly reason: string;

  /** @param file in front of the place, if there is one */
  constructor(reason: string, position: Position, file: string | undefined) {
    const { line, column } = position;
    super(
      file === undefined
        ? `line ${line}, column ${column}: ${reason}`
        : `${file}:${line}:${column}: ${reason}`,
    );
    this.file = file;
    this.line = line;
    this.column = column;
    this.reason = reason;
  }
}
