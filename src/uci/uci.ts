import { decodeUtf8 } from '#platform/text.js';
import { type Position, UciError } from './error.js';
import { type Argument, type Keyword, UciLexer } from './lexer.js';

export { type Position, UciError } from './error.js';

/** An option or list of a section. */
export interface UciOption {
  readonly name: string;
  /** `option` gives a string, `list` an array of at least one. A string is never empty: UCI takes that as not set. */
  readonly value: string | readonly string[];
  /** The line of the option, or of the first item of a list. Counts from 1. */
  readonly line: number;
  /** The column of the option's name in that line. Counts from 1. */
  readonly column: number;
  /** The line of each item of a list; for an option, its line alone. */
  readonly itemLines: readonly number[];
}

/** A section: `config TYPE 'NAME'` and what follows it. */
export interface UciSection {
  readonly type: string;
  /** The name; for an anonymous section the one that uci makes up, such as `cfg013511`. */
  readonly name: string;
  readonly anonymous: boolean;
  /** By name, in the order of the file. */
  readonly options: ReadonlyMap<string, UciOption>;
  /** The line of the first `config` of this section. Counts from 1. */
  readonly line: number;
}

/** What a UCI file says: sections in the order of the file, sections of the same name merged. */
export interface UciPackage {
  readonly sections: readonly UciSection[];
}

interface MutableOption extends UciOption {
  value: string | string[];
  line: number;
  column: number;
  itemLines: number[];
}

interface MutableSection extends UciSection {
  readonly options: Map<string, MutableOption>;
}

/**
 * Reads a UCI file (https://openwrt.org/docs/guide-user/base-system/uci) with the same result as OpenWrt's `uci`:
 * quotes, escapes, values over several lines, comments, `;`, abbreviated keywords, merged sections, names of
 * anonymous sections. A `package` line is accepted and, as when `uci` loads a file of /etc/config, without effect.
 *
 * Bytes are read as UTF-8; what is not UTF-8 becomes U+FFFD. A NUL byte is an error.
 *
 * @param options.file the name to put in front of error messages
 * @throws {UciError} for anything that `uci` refuses
 */
export function parseUci(text: string | Uint8Array, options: { file?: string } = {}): UciPackage {
  // ignoreBOM: uci knows no byte order mark, and a decoder that swallows it would hide why uci refuses the file.
  const source = typeof text === 'string' ? text : decodeUtf8(text);
  const nul = source.indexOf('\0');
  if (nul !== -1) {
    throw new UciError('a NUL byte: expected a text file', positionOf(source, nul), options.file);
  }
  if (source.startsWith('\ufeff')) {
    const reason = 'a byte order mark: expected UTF-8 without one';
    throw new UciError(reason, { line: 1, column: 1 }, options.file);
  }
  return new Parser(new UciLexer(source, options.file)).parse();
}

function positionOf(text: string, index: number): Position {
  let line = 1;
  let lineStart = 0;
  for (let next = text.indexOf('\n'); next !== -1 && next < index; next = text.indexOf('\n', next + 1)) {
    line++;
    lineStart = next + 1;
  }
  return { line, column: index - lineStart + 1 };
}

class Parser {
  readonly #lexer: UciLexer;
  readonly #sections: MutableSection[] = [];
  readonly #byName = new Map<string, MutableSection>();
  #section: MutableSection | undefined;

  constructor(lexer: UciLexer) {
    this.#lexer = lexer;
  }

  parse(): UciPackage {
    while (this.#lexer.nextLine()) {
      this.#lexer.skipSpace();
      for (let word = this.#lexer.keyword(); word !== undefined; word = this.#lexer.keyword()) {
        if (word.text.startsWith('#')) break;
        this.#command(word);
      }
    }
    return { sections: this.#sections };
  }

  #command(word: Keyword): void {
    switch (word.text) {
      case 'p':
      case 'package':
        this.#package(word);
        break;
      case 'c':
      case 'config':
        this.#config(word);
        break;
      case 'o':
      case 'option':
        this.#option(word, false);
        break;
      case 'l':
      case 'list':
        this.#option(word, true);
        break;
      default:
        throw this.#lexer.error(explainKeyword(word.text), word.start);
    }
  }

  #package(word: Keyword): void {
    const name = this.#required(word);
    this.#checkName(name, 'a package', /[^A-Za-z0-9_-]/);
    this.#endOfLine();
  }

  #config(word: Keyword): void {
    const type = this.#required(word);
    const badType = /[^!-~]/.exec(type.text);
    if (badType) {
      const found = showCharacter(badType[0]);
      const reason = `${found} in the type of a section: expected printable ASCII without spaces`;
      throw this.#lexer.error(reason, type.start);
    }
    const name = this.#lexer.argument();
    this.#checkName(name, 'a section');
    this.#endOfLine();

    const known = name.text === '' ? undefined : this.#byName.get(name.text);
    if (known !== undefined && known.type !== type.text) {
      const reason =
        `section '${name.text.slice(0, 80)}' has another type here than in line ${known.line}: ` +
        'expected the same type, or another name';
      throw this.#lexer.error(reason, type.start);
    }
    this.#section = known ?? this.#addSection(type.text, name.text, word);
  }

  #addSection(type: string, name: string, word: Keyword): MutableSection {
    const anonymous = name === '';
    const section: MutableSection = {
      type,
      name: anonymous ? anonymousName(this.#sections.length + 1, type) : name,
      anonymous,
      options: new Map(),
      line: this.#lexer.position(word.start).line,
    };
    this.#sections.push(section);
    // A made-up name may be taken already. uci then has two sections of that name and always finds the first.
    if (!this.#byName.has(section.name)) this.#byName.set(section.name, section);
    return section;
  }

  #option(word: Keyword, list: boolean): void {
    const section = this.#section;
    if (section === undefined) {
      const reason = `${list ? 'list' : 'option'} before the first section: expected config TYPE 'NAME' above it`;
      throw this.#lexer.error(reason, word.start);
    }
    const name = this.#required(word);
    this.#checkName(name, list ? 'a list' : 'an option');
    const value = this.#lexer.argument().text;
    this.#endOfLine();

    const { line, column } = this.#lexer.position(name.start);
    const known = section.options.get(name.text);
    if (list) {
      if (known === undefined) {
        section.options.set(name.text, { name: name.text, value: [value], line, column, itemLines: [line] });
      } else {
        // An option that is followed by a list of its name becomes the first item of the list.
        if (typeof known.value === 'string') known.value = [known.value];
        known.value.push(value);
        known.itemLines.push(line);
      }
    } else if (value !== '') {
      // An empty value is no assignment at all: it does not even take back an earlier one.
      const option = { name: name.text, value, line, column, itemLines: [line] };
      if (known === undefined) section.options.set(name.text, option);
      else Object.assign(known, option);
    }
  }

  #required(word: Keyword): Argument {
    const argument = word.terminated ? this.#lexer.argument() : { text: '', start: word.start };
    if (argument.text === '') throw this.#lexer.error(explainKeyword(word.text), word.start);
    return argument;
  }

  #checkName(name: Argument, of: string, bad: RegExp = /[^A-Za-z0-9_]/): void {
    const found = bad.exec(name.text);
    if (found === null) return;
    const dash = of === 'a package' ? ', - ' : ' ';
    const reason = `${showCharacter(found[0])} in the name of ${of}: expected only letters, digits${dash}and _`;
    throw this.#lexer.error(reason, name.start);
  }

  #endOfLine(): void {
    const extra = this.#lexer.argument();
    if (extra.text === '') return;
    const reason =
      'more text than belongs here: expected the end of the line (a value with spaces needs quotes)';
    throw this.#lexer.error(reason, extra.start);
  }
}

/** The name that uci makes up for a section without one: its number among all sections and a hash of its type. */
function anonymousName(number: number, type: string): string {
  // Bernstein's hash (djb2). libuci would hash the options as well, but names the section before it has any.
  let hash = 5381;
  for (let i = 0; i < type.length; i++) hash = (Math.imul(hash, 33) + type.charCodeAt(i)) | 0;
  const counter = number.toString(16).padStart(2, '0');
  return `cfg${counter}${(hash & 0xffff).toString(16).padStart(4, '0')}`;
}

const FORMS: Readonly<Record<string, string>> = {
  p: 'package NAME',
  package: 'package NAME',
  c: "config TYPE or config TYPE 'NAME'",
  config: "config TYPE or config TYPE 'NAME'",
  o: "option NAME 'VALUE'",
  option: "option NAME 'VALUE'",
  l: "list NAME 'VALUE'",
  list: "list NAME 'VALUE'",
};

/** What is wrong with a keyword: not one, or nothing behind it. */
function explainKeyword(text: string): string {
  const word = text.trim();
  if (word === '') return 'nothing behind the semicolon: expected another command, or no semicolon';
  const form = Object.hasOwn(FORMS, word) ? FORMS[word] : undefined;
  if (form !== undefined) return `incomplete ${word}: expected ${form}`;
  // A longer word may be a value, and so a key, that has slipped into the place of a keyword.
  const shown = /^[A-Za-z_]{1,20}$/.test(word) ? `unknown keyword ${word}` : 'not a keyword';
  return `${shown}: expected config, option, list or package`;
}

function showCharacter(character: string): string {
  const code = character.charCodeAt(0);
  if (character === ' ') return 'a space';
  if (code > 32 && code < 127) return `character ${character}`;
  return `character U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
}
