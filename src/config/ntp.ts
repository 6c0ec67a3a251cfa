import { isIP } from '#platform/text.js';
import { parseUci, UciError } from '../uci/uci.js';
import { ConfigFileError, inDirectory, readConfigFile } from './load.js';
import { type Problem, ProblemList } from './problem.js';
import { SectionReader } from './section-reader.js';
import { parseBoolean, parseHostName } from './values.js';

/** The time servers of the system. */
export interface NtpConfig {
  /** Host names and addresses in the order of the file, without duplicates. */
  readonly servers: readonly string[];
  /** Whether the system's own NTP client is on (OpenWrt's default). The servers are given either way. */
  readonly enabled: boolean;
  /** Nothing here stops the daemon: all of them are warnings. */
  readonly problems: readonly Problem[];
}

/**
 * Reads the NTP servers from DIR/system, where OpenWrt keeps them: `list server` of the section `config timeserver 'ntp'`.
 * Never throws for what is in the file, or for the lack of it: without servers the daemon works all the same.
 */
export function loadNtpServers(dir: string): NtpConfig {
  const file = inDirectory(dir, 'system');
  const problems = new ProblemList(file);
  const none = (message: string, line?: number): NtpConfig => {
    const nowhere = { section: undefined, option: undefined, ifname: undefined };
    problems.add({ severity: 'warning', file, line, ...nowhere, message });
    return { servers: [], enabled: true, problems: problems.sorted() };
  };
  try {
    const { sections } = parseUci(
      readConfigFile(file, "create it with the NTP servers, or give the interface option ntp '0'"),
      { file },
    );
    const section = sections.find((s) => s.name === 'ntp');
    if (section === undefined) {
      return none("has no NTP servers: expected config timeserver 'ntp' with list server");
    }
    const reader = new SectionReader(file, section, problems);
    reader.severity = 'warning';
    const enabled = reader.optional('enabled', parseBoolean) ?? true;
    const servers = reader.list('server', parseServer);
    if (servers.length === 0) reader.warn(undefined, "names no usable server: expected list server 'HOST'");
    return { servers: [...new Set(servers)], enabled, problems: problems.sorted() };
  } catch (error) {
    if (error instanceof UciError) return none(error.reason, error.line);
    if (error instanceof ConfigFileError) return none(error.message.slice(file.length + 2));
    throw error;
  }
}

function parseServer(text: string): string {
  return isIP(text) === 0 ? parseHostName(text) : text;
}
