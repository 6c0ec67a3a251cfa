import { decodeUtf8 } from '#platform/text.js';
import { type Config, isIfname, readConfigFile } from '../config/index.js';
import { printable } from '../wording.js';
import type { Log } from './log.js';

/** Which interfaces a daemon is to serve. Without names and without a file: all that the configuration has peers for. */
export interface Wanted {
  /** Names of interfaces. */
  readonly interfaces: readonly string[];
  /** A file with such names, separated by spaces or newlines, instead; it is read each time the configuration is. */
  readonly namesFrom: string | undefined;
}

/** Whether it is everything that is configured, but for what others serve. */
export function servesAll({ interfaces, namesFrom }: Wanted): boolean {
  return interfaces.length === 0 && namesFrom === undefined;
}

/**
 * The names of the interfaces to serve, each once.
 *
 * @param served those that are served now: one whose settings have become useless is not left for that
 * @throws {ConfigFileError} the file of names cannot be read
 */
export function wantedInterfaces(
  wanted: Wanted,
  config: Config,
  served: ReadonlyMap<string, unknown>,
  log: Log,
): readonly string[] {
  if (wanted.namesFrom !== undefined) return namesIn(wanted.namesFrom, log);
  if (!servesAll(wanted)) return wanted.interfaces;
  return [...config.served, ...[...config.unserved].filter((name) => served.has(name))];
}

/** @throws {ConfigFileError} */
function namesIn(file: string, log: Log): readonly string[] {
  const words = decodeUtf8(readConfigFile(file, 'write the names of the interfaces to serve into it'))
    .split(/\s+/)
    .filter((word) => word !== '');
  const bad = words.find((word) => !isIfname(word));
  if (bad !== undefined)
    log.write('error', '', `${file}: '${printable(bad)}' cannot be the name of an interface: passed over`);
  return [...new Set(words.filter(isIfname))];
}
