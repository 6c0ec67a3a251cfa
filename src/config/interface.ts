import type { UciSection } from '../uci/uci.js';
import { BadValue, quote } from './problem.js';
import { type FindTable, parseTable } from './routing-table.js';
import type { SectionReader } from './section-reader.js';
import { parseBoolean, parseIfname, parseInteger } from './values.js';

/** How the daemon treats one interface. */
export interface InterfaceConfig {
  /** The WireGuard interface. */
  readonly name: string;
  /** Seconds that a peer has for its handshake, 1 to 3600. */
  readonly connectTimeout: number;
  /** Seconds between two looks at an established connection, 1 to 3600. */
  readonly checkInterval: number;
  /** Seconds since the latest handshake after which a connection counts as lost, 10 to 86400. */
  readonly deadPeerTimeout: number;
  /** Metric of the routes, 0 to 4294967295; undefined leaves it to the kernel. */
  readonly routeMetric: number | undefined;
  /** Number of the routing table, 1 to 4294967295; undefined is the main table, as 254 is. */
  readonly routeTable: number | undefined;
  /** Whether to set the clock before the first attempt. */
  readonly ntp: boolean;
  /** Seconds that setting the clock may hold up the first attempt, 1 to 3600. */
  readonly ntpTimeout: number;
  /** How the next peer is chosen. */
  readonly strategy: 'random';
}

const INTERFACE_OPTIONS = [
  'ifname',
  'connect_timeout',
  'check_interval',
  'dead_peer_timeout',
  'strategy',
  'metric',
  'table',
  'ntp',
  'ntp_timeout',
] as const;

const MAX_U32 = 4294967295;

/**
 * A working WireGuard connection makes a new handshake when the last is 120 s old (REKEY_AFTER_TIME, section 6.1 of the
 * WireGuard paper), so a shorter patience takes living peers for dead.
 */
const REKEY_AFTER_TIME = 120;

/** What holds for an interface without a section of its own. */
export function defaultInterface(name: string): InterfaceConfig {
  return {
    name,
    connectTimeout: 5,
    checkInterval: 5,
    deadPeerTimeout: 150,
    routeMetric: undefined,
    routeTable: undefined,
    ntp: true,
    ntpTimeout: 5,
    strategy: 'random',
  };
}

/** What an interface section says. */
export interface InterfaceSection {
  readonly settings: InterfaceConfig;
  /** False if the routes would go where nobody wants them, say a default route into the main table. */
  readonly usable: boolean;
}

/** A default instead of what was meant here may take the router's own way out. */
const ROUTE_OPTIONS = ['metric', 'table'] as const;

/** Of netifd and wg(8), with what to write instead. */
const FOREIGN_OPTIONS: Readonly<Record<string, string>> = {
  ip4table: 'expected option table, for routes of both families',
  ip6table: 'expected option table, for routes of both families',
  ...Object.fromEntries(
    [
      ...['proto', 'private_key', 'listen_port', 'addresses', 'mtu', 'fwmark', 'nohostroute', 'tunlink'],
      ...['ip6prefix', 'auto', 'disabled', 'ipaddr', 'ip6addr', 'dns'],
    ].map((name) => [name, 'expected it in /etc/config/network, or wherever the interface is made']),
  ),
};

/**
 * Checks a section `config interface 'NAME'`. The option `ifname` takes the place of the name of the section, for names that UCI
 * does not allow there (`wg-vpn`). An option that is faulty keeps its default, but for those that say where routes go: with
 * such a fault the interface cannot be served. Without a name there is no result.
 */
export function readInterface(
  section: UciSection,
  reader: SectionReader,
  findTable: FindTable,
): InterfaceSection | undefined {
  const name = readName(section, reader);
  if (name === undefined) return undefined;
  reader.ifname = name;

  const defaults = defaultInterface(name);
  const number = (option: string, least: number, most: number, what: string): number | undefined =>
    reader.optional(option, (text) => parseInteger(text, least, most, what));
  const settings: InterfaceConfig = {
    name,
    connectTimeout: number('connect_timeout', 1, 3600, 'seconds') ?? defaults.connectTimeout,
    checkInterval: number('check_interval', 1, 3600, 'seconds') ?? defaults.checkInterval,
    deadPeerTimeout: number('dead_peer_timeout', 10, 86400, 'seconds') ?? defaults.deadPeerTimeout,
    routeMetric: number('metric', 0, MAX_U32, 'a route metric'),
    routeTable: reader.optional('table', (text) => parseTable(text, findTable)),
    ntp: reader.optional('ntp', parseBoolean) ?? defaults.ntp,
    ntpTimeout: number('ntp_timeout', 1, 3600, 'seconds') ?? defaults.ntpTimeout,
    strategy: reader.optional('strategy', parseStrategy) ?? defaults.strategy,
  };
  reader.warnOfUnknown(INTERFACE_OPTIONS, FOREIGN_OPTIONS);
  if (settings.deadPeerTimeout <= REKEY_AFTER_TIME) {
    const reason = `is not above ${REKEY_AFTER_TIME} s, the age at which WireGuard renews a handshake`;
    reader.warn('dead_peer_timeout', `${reason}: living peers will be taken for dead; expected 150`);
  }
  const given = { metric: settings.routeMetric, table: settings.routeTable };
  const misled = ROUTE_OPTIONS.filter((option) => section.options.has(option) && given[option] === undefined);
  if (misled.length > 0) {
    const options = misled.map((option) => `option ${option}`).join(' and ');
    reader.fault(
      undefined,
      `is not served, because ${options} cannot be used: its routes would go elsewhere`,
    );
  }
  return { settings, usable: misled.length === 0 };
}

function readName(section: UciSection, reader: SectionReader): string | undefined {
  if (section.options.has('ifname')) return reader.optional('ifname', parseIfname);
  if (section.anonymous) {
    reader.fault(undefined, "has no name: expected config interface 'IFNAME', or an option ifname");
    return undefined;
  }
  try {
    return parseIfname(section.name);
  } catch (error) {
    if (!(error instanceof BadValue)) throw error;
    reader.fault(undefined, `its name ${error.message}`);
    return undefined;
  }
}

function parseStrategy(text: string): 'random' {
  if (text === 'random') return text;
  throw new BadValue(`is ${quote(text)}: expected random`);
}
