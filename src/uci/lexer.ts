import { type Position, UciError } from './error.js';

const TAB = 9;
const NEWLINE = 10;
const RETURN = 13;
const SPACE = 32;
const DOUBLE_QUOTE = 34;
const HASH = 35;
const SINGLE_QUOTE = 39;
const SEMICOLON = 59;
const BACKSLASH = 92;

/** Nothing left of the line. UCI works on C strings, so a NUL can never be a character of the text. */
const END = 0;

/** C's isspace: UCI separates arguments by these, but a keyword only by space and tab. */
function isSpace(code: number): boolean {
  return code === SPACE || (code >= TAB && code <= RETURN);
}

function isBlank(code: number): boolean {
  return code === SPACE || code === TAB;
}

function isNotBlank(code: number): boolean {
  return code !== SPACE && code !== TAB;
}

/** What means itself outside of quotes. */
function isBare(code: number): boolean {
  if (code > BACKSLASH) return true;
  if (code === SINGLE_QUOTE || code === DOUBLE_QUOTE || code === HASH) return false;
  return code !== SEMICOLON && code !== BACKSLASH && !isSpace(code);
}

/** A piece of a line, with quotes and escapes resolved. `start` is where it begins in the text. */
export interface Argument {
  readonly text: string;
  readonly start: number;
}

/** A keyword as it stands in the text; `terminated` is false when the text ends with its last letter. */
export interface Keyword extends Argument {
  readonly terminated: boolean;
}

/**
 * Cuts a UCI text into keywords and arguments exactly as OpenWrt's libuci does (behaviour compared with the real
 * `uci`, see docs/configuration.md). UCI has no grammar on paper; what its parser does with its line buffer is the
 * language. The text is seen as that buffer sees it: only the current line exists, until a quote or a backslash
 * at its end asks for the next one.
 */
export class UciLexer {
  readonly #text: string;
  readonly #file: string | undefined;
  /** The next character to look at. */
  #pos = 0;
  /** The current line ends before this one. A comment or a semicolon can end it early. */
  #end = 0;
  /** Where the next line starts. */
  #next = 0;
  #line = 0;
  #lineStart = 0;

  constructor(text: string, file: string | undefined) {
    this.#text = text;
    this.#file = file;
  }

  /** Goes to the next line. False at the end of the text. */
  nextLine(): boolean {
    if (this.#next >= this.#text.length) return false;
    const newline = this.#text.indexOf('\n', this.#next);
    this.#pos = this.#lineStart = this.#next;
    this.#next = this.#end = newline === -1 ? this.#text.length : newline + 1;
    this.#line++;
    return true;
  }

  skipSpace(): void {
    this.#pos = this.#after(isSpace);
  }

  /** The next keyword, or undefined where the line has no more. A comment is a keyword that starts with `#`. */
  keyword(): Keyword | undefined {
    this.#pos = this.#after(isBlank);
    const start = this.#pos;
    if (this.#peek() === END) return undefined;
    this.#pos = this.#after(isNotBlank);
    const text = this.#text.slice(start, this.#pos);
    const terminated = this.#peek() !== END;
    if (terminated) this.#pos++;
    return { text, start, terminated };
  }

  /**
   * The next argument; its text is empty where the line has no more, and for a quoted empty string: UCI makes no
   * difference between the two.
   */
  argument(): Argument {
    this.skipSpace();
    const start = this.#pos;
    if (this.#peek() === SEMICOLON) {
      this.#pos++;
      return { text: '', start };
    }
    return { text: this.#word(), start };
  }

  /**
   * The error for what begins at index `start` (default: the current place). Like `uci` it names the line it had
   * reached; where the thing at fault begins on an earlier one, the message says so.
   */
  error(reason: string, start: number = this.#pos): UciError {
    if (start >= this.#lineStart) return new UciError(reason, this.#current(start), this.#file);
    const from = this.position(start);
    const where = `${reason} (it begins in line ${from.line}, column ${from.column})`;
    return new UciError(where, this.#current(this.#pos), this.#file);
  }

  /** Where in the text an index is. Costs a walk over the lines between it and the current one. */
  position(index: number): Position {
    let line = this.#line;
    let lineStart = this.#lineStart;
    while (lineStart > index) {
      // The last character before a line is the newline of the one above; look for that one's own start.
      lineStart = lineStart < 2 ? 0 : this.#text.lastIndexOf('\n', lineStart - 2) + 1;
      line--;
    }
    return { line, column: index - lineStart + 1 };
  }

  #current(index: number): Position {
    // An error found behind the last newline belongs to the line that this newline ends.
    return { line: this.#line, column: Math.min(index, Math.max(this.#next - 1, 0)) - this.#lineStart + 1 };
  }

  /** Behind the characters from here on, within the line, of which `belongs` is true. */
  #after(belongs: (code: number) => boolean): number {
    const text = this.#text;
    const end = this.#end;
    let at = this.#pos;
    while (at < end && belongs(text.charCodeAt(at))) at++;
    return at;
  }

  #peek(): number {
    return this.#pos < this.#end ? this.#text.charCodeAt(this.#pos) : END;
  }

  /** Quoted and bare pieces that stand together, up to a space, a comment, a semicolon or the end of the line. */
  #word(): string {
    const start = this.#pos;
    let text = '';
    do {
      const code = this.#peek();
      if (code === SINGLE_QUOTE) {
        text += this.#singleQuoted();
      } else if (code === DOUBLE_QUOTE) {
        text += this.#doubleQuoted();
      } else if (code === HASH) {
        this.#end = this.#pos;
        return text;
      } else if (code === END) {
        return text;
      } else if (code === SEMICOLON) {
        // libuci ends the word in place. A word without quotes or escapes ends on the semicolon itself, which is
        // thereby gone and with it the rest of the line; any other word leaves the semicolon to be seen.
        if (text.length === this.#pos - start) this.#end = this.#pos;
        return text;
      } else if (code === BACKSLASH) {
        if (this.#escape()) text += this.#text.charAt(this.#pos++);
      } else {
        text += this.#bare();
      }
    } while (this.#peek() !== END && !isSpace(this.#peek()));
    // The space behind a word belongs to it.
    if (this.#peek() !== END) this.#pos++;
    return text;
  }

  /** Characters that mean themselves. */
  #bare(): string {
    const start = this.#pos;
    this.#pos = this.#after(isBare);
    return this.#text.slice(start, this.#pos);
  }

  /** Everything up to the next quote, over as many lines as it takes; a backslash means itself. */
  #singleQuoted(): string {
    const quote = this.#pos++;
    const start = this.#pos;
    const close = this.#text.indexOf("'", start);
    while (close === -1 || close >= this.#end) {
      this.#pos = this.#end;
      if (!this.nextLine()) throw this.#unterminated("'", quote);
    }
    this.#pos = close + 1;
    return this.#text.slice(start, close);
  }

  /** As above, but a backslash takes away the meaning of the character behind it, or the end of the line. */
  #doubleQuoted(): string {
    const quote = this.#pos++;
    let text = '';
    let from = this.#pos;
    for (;;) {
      const code = this.#peek();
      if (code === DOUBLE_QUOTE) {
        text += this.#text.slice(from, this.#pos++);
        return text;
      }
      if (code === END) {
        if (!this.nextLine()) throw this.#unterminated('"', quote);
      } else if (code === BACKSLASH) {
        text += this.#text.slice(from, this.#pos);
        const escaped = this.#escape();
        from = this.#pos;
        if (escaped) this.#pos++;
      } else {
        this.#pos++;
      }
    }
  }

  /**
   * Passes a backslash. True: the character behind it is to be taken as it is. False: it stood at the end of the
   * line, and the next line continues this one.
   */
  #escape(): boolean {
    this.#pos++;
    const code = this.#peek();
    const joins =
      code === END ||
      code === NEWLINE ||
      (code === RETURN && this.#pos + 2 === this.#end && this.#text.charCodeAt(this.#pos + 1) === NEWLINE);
    if (joins && !this.nextLine()) this.#end = this.#pos;
    return !joins;
  }

  #unterminated(quote: string, start: number): UciError {
    return this.error(`no closing ${quote}: expected one before the end of the file`, start);
  }
}
