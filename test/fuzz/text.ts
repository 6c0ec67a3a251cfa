/** Readers of files. */
import { readFile, writeFile } from '#platform/files.js';
import { readHosts, readResolvConf } from '#platform/resolv-conf.js';
import { decodeUtf8, encodeUtf8 } from '#platform/text.js';
import { importFiles } from '../../src/cli/import/import.js';
import { Config, formatProblem } from '../../src/config/index.js';
import { findTable } from '../../src/config/routing-table.js';
import { parseUci, UciError, type UciPackage } from '../../src/uci/uci.js';
import {
  formatWgQuick,
  parseWgQuick,
  WgQuickError,
  type WgQuickSection,
} from '../../src/wg-quick/wg-quick.js';
import { type Reader, rule, textOf } from './reader.js';

/** As `uci export` would write it. */
function written({ sections }: UciPackage): string {
  const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
  const lines = sections.map(({ type, name, options }) => [
    `config ${quoted(type)} ${quoted(name)}`,
    ...[...options.values()].flatMap(({ name, value }) =>
      typeof value === 'string'
        ? [`option ${name} ${quoted(value)}`]
        : value.map((item) => `list ${name} ${quoted(item)}`),
    ),
  ]);
  return lines.flat().join('\n');
}

function valuesOf({ sections }: UciPackage): unknown {
  return sections.map(({ type, name, options }) => [
    type,
    name,
    [...options.values()].map(({ name, value }) => [name, value]),
  ]);
}

/** OpenWrt's configuration, and what we make of ours. */
const uci: Reader = {
  name: 'uci',
  errors: [UciError],
  read(bytes) {
    const found = parseUci(bytes, { file: 'f' });
    const names = found.sections.map(({ name }) => name);
    // Of two sections with one name, of which one's is made up, a written file has only one.
    if (new Set(names).size === names.length)
      rule(
        textOf(valuesOf(parseUci(encodeUtf8(written(found))))) === textOf(valuesOf(found)),
        'a file that is written is not what was read',
      );
    const config = new Config(found, 'f', () => 7);
    for (const problem of config.problems)
      rule(!/[\p{Cc}]/u.test(formatProblem(problem)), 'a problem is more than a line');
    return [valuesOf(found), config.problems, config.interfaceNames];
  },
};

/** Without the places in the file. */
function contentOf(sections: readonly WgQuickSection[]): unknown {
  return sections.map(({ type, entries }) => [type, entries.map(({ key, value }) => [key, value])]);
}

/** A provider's file, and the configuration that is made of it. */
const wgQuick: Reader = {
  name: 'wg-quick',
  errors: [WgQuickError],
  read(bytes) {
    const found = parseWgQuick(bytes, { file: 'f' });
    const content = contentOf(found);
    rule(
      textOf(contentOf(parseWgQuick(formatWgQuick(found)))) === textOf(content),
      'a file that is written is not what was read',
    );
    const { text, shown, problems } = importFiles([{ path: 'f.conf', sections: found }], 'vpn');
    const config = new Config(parseUci(text), 'f');
    const errors = config.problems.filter(({ severity }) => severity === 'error');
    rule(errors.length === 0, 'what is made of it has a fault');
    for (const { key, value } of found.flatMap(({ entries }) => entries)) {
      const secret = key === 'PrivateKey' || key === 'PresharedKey' ? value.replaceAll(/\s/g, '') : '';
      // Whoever writes a private key where another belongs has made it public.
      const elsewhere = found
        .flatMap(({ entries }) => entries)
        .filter((entry) => entry.value.includes(secret));
      if (secret.length < 40 || elsewhere.length > 1) continue;
      rule(!shown.includes(secret), 'a key is shown');
      if (key === 'PrivateKey') rule(!text.includes(secret), 'a private key is written');
    }
    for (const problem of problems)
      rule(!/[\p{Cc}]/u.test(formatProblem(problem)), 'a problem is more than a line');
    return [content, config.allPeers, problems];
  },
};

/** Readers that take the path of a file: each input is put there first. */
export function fileReaders(folder: string): readonly Reader[] {
  const path = `${folder}/file`;
  const put = (bytes: Uint8Array): void => writeFile(path, bytes, 'replace');
  const tables: Reader = {
    name: 'rt-tables',
    errors: [],
    read(bytes) {
      writeFile(`${folder}/etc/iproute2/rt_tables`, bytes, 'replace');
      const found = ['vpn', '0x1', decodeUtf8(bytes.subarray(0, 8)).trim()].map((name) =>
        findTable(name, folder),
      );
      for (const table of found)
        rule(
          table === undefined || (Number.isInteger(table) && table >= 1 && table < 2 ** 32),
          'no number of a table',
        );
      return found;
    },
  };
  const resolv: Reader = {
    name: 'resolv-conf',
    errors: [],
    read(bytes) {
      put(bytes);
      rule(readFile(path).length === bytes.length, 'the file is not what was put there');
      const found = readResolvConf(path);
      rule(Number.isFinite(found.ndots) && found.ndots >= 0, 'ndots is no number of dots');
      for (const word of [...found.servers, ...found.search])
        rule(!/\s/.test(word), 'a word with a space in it');
      const hosts = readHosts('gw.example.org', path);
      for (const address of hosts) rule(!/[\s%]/.test(address), 'an address with a zone or a space in it');
      return [found, hosts];
    },
  };
  return [tables, resolv];
}

export const textReaders: readonly Reader[] = [uci, wgQuick];
