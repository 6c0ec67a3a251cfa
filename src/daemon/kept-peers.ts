import { lstat, readStart, unlink, writeFile } from '#platform/files.js';
import { encodeUtf8 } from '#platform/text.js';
import { parseUci, type UciSection, uciWord } from '../config/index.js';

/** In memory on OpenWrt; systemd and the init scripts make it. */
const DIRECTORY = '/var/run/wgpeerselector';

/** Bytes that are read of a file: more than {@link RunTimePeers} takes peers. */
const LONGEST = 1024 * 1024;

/** Where peers that were given at run time outlive the process: a UCI file for each interface, which nobody else may read. */
export class KeptPeers {
  readonly #directory: string;

  constructor(directory = DIRECTORY) {
    this.#directory = directory;
  }

  /**
   * Those of an interface; none where there is no file.
   *
   * @throws {UciError | SystemError | Error} what is in the way of reading them
   */
  read(ifname: string): readonly UciSection[] {
    const file = this.#file(ifname);
    if (lstat(file) === undefined) return [];
    const bytes = readStart(file, LONGEST);
    if (bytes === undefined) throw new Error(`${file} is no file`);
    return parseUci(bytes, { file }).sections.map((section) => ({ ...section, line: 0 })); // as they were given
  }

  /** @throws {SystemError} when that cannot be */
  write(ifname: string, sections: readonly UciSection[]): void {
    const file = this.#file(ifname);
    if (lstat(file) !== undefined) unlink(file);
    writeFile(file, encodeUtf8(sections.map(textOf).join('')), 'create-private');
  }

  #file(ifname: string): string {
    return `${this.#directory}/${ifname}.peers`;
  }
}

function textOf({ type, name, options }: UciSection): string {
  const lines = [...options.values()].flatMap((option) =>
    typeof option.value === 'string'
      ? [`\toption ${option.name} ${uciWord(option.value)}\n`]
      : option.value.map((value) => `\tlist ${option.name} ${uciWord(value)}\n`),
  );
  return `config ${type} '${name}'\n${lines.join('')}`;
}
