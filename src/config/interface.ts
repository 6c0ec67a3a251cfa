import type { UciSection } from '../uci/uci.js';
import { CREATION_OPTIONS, type Creation, isSameAddress, type OwnAddress } from './creation.js';
import { presetOf, type ValueOf } from './option.js';
import { INTERFACE_OPTIONS } from './options.js';
import { OURS } from './ours.js';
import { BadValue } from './problem.js';
import { KERNEL_TABLES } from './routing-table.js';
import type { SectionReader } from './section-reader.js';
import { parseIfname } from './values.js';

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
  /** Number of the routing table, 1 to 4294967295; undefined is the main table, as 254 is. With `fullTunnel` there is one. */
  readonly routeTable: number | undefined;
  /** Whether to set the clock before the first attempt. */
  readonly ntp: boolean;
  /** Seconds that setting the clock may hold up the first attempt, 1 to 3600. */
  readonly ntpTimeout: number;
  /** How the peer is chosen within a group: at random, or, once connected, by the shortest round trip. */
  readonly strategy: 'random' | 'fastest';
  /** Seconds without anything received after which an established connection is probed, 1 to 3600; 0 is off. */
  readonly probeInterval: number;
  /** Seconds without an answer after which a connection is put to the test, 5 to 3600; 0 is off. */
  readonly probeTimeout: number;
  /** Where probes go, canonical; undefined leaves it to the allowed IPs. */
  readonly probeAddress: string | undefined;
  /** What has to answer an ICMP echo, canonical; undefined is off. */
  readonly checkAddress: string | undefined;
  /** Seconds after which better peers are tried while a lesser one is held, 10 to 86400; 0 is off. */
  readonly failbackInterval: number;
  /** Seconds after which a healthy connection is left for another, 60 to 31536000; 0 is off. */
  readonly maxAge: number;
  /** Whether nothing for the allowed IPs may leave by another way while there is no connection. */
  readonly blockWhenLost: boolean;
  /** Whether the routes' table is to count before the main table's default route. */
  readonly fullTunnel: boolean;
  /** How to make the interface; undefined where others do. */
  readonly creation: Creation | undefined;
  /**
   * Whether peers that are given at run time come to those of the file (`add`), may be all that there are (`expect`), or are kept over a restart,
   * too (`keep`).
   */
  readonly runTimePeers: 'add' | 'expect' | 'keep';
}

/** Table, and mark of WireGuard's own packets, for a full tunnel where nothing else is said. */
export const FULL_TUNNEL = OURS;

/**
 * A working WireGuard connection makes a new handshake when the last is 120 s old (REKEY_AFTER_TIME, section 6.1 of the
 * WireGuard paper), so with a shorter patience living peers are asked for handshakes again and again.
 */
const REKEY_AFTER_TIME = 120;

/** So long may WireGuard wait before it answers data by an empty packet (KEEPALIVE_TIMEOUT of the same section). */
const KEEPALIVE_TIMEOUT = 10;

/** The value of each option. */
type Values = <N extends keyof typeof INTERFACE_OPTIONS>(option: N) => ValueOf<(typeof INTERFACE_OPTIONS)[N]>;

/** The settings, by the value of each option. */
function settingsOf(name: string, value: Values): InterfaceConfig {
  return {
    name,
    connectTimeout: value('connect_timeout'),
    checkInterval: value('check_interval'),
    deadPeerTimeout: value('dead_peer_timeout'),
    routeMetric: value('metric'),
    routeTable: value('table'),
    ntp: value('ntp'),
    ntpTimeout: value('ntp_timeout'),
    strategy: value('strategy'),
    probeInterval: value('probe_interval'),
    probeTimeout: value('probe_timeout'),
    probeAddress: value('probe_address'),
    checkAddress: value('check_address'),
    failbackInterval: value('failback_interval'),
    maxAge: value('max_age'),
    blockWhenLost: value('block_when_lost'),
    fullTunnel: value('full_tunnel') ?? false,
    creation: creationOf(value),
    runTimePeers: value('run_time_peers'),
  };
}

function creationOf(value: Values): Creation | undefined {
  const creation = {
    privateKeyFile: value('private_key_file') ?? '', // without one the interface is not served
    addresses: value('addresses').filter(isFirst),
    mtu: value('mtu'),
    listenPort: value('listen_port'),
    fwmark: value('fwmark'),
  };
  return value('create') === true ? creation : undefined;
}

/** The kernel takes each once. */
function isFirst(one: OwnAddress, at: number, all: readonly OwnAddress[]): boolean {
  return all.findIndex((other) => isSameAddress(one, other)) === at;
}

/** What holds for an interface without a section of its own. */
export function defaultInterface(name: string): InterfaceConfig {
  return settingsOf(name, (option) => presetOf(INTERFACE_OPTIONS, option));
}

/** What an interface section says. */
export interface InterfaceSection {
  readonly settings: InterfaceConfig;
  /** False if the routes would go where nobody wants them, say a default route into the main table. */
  readonly usable: boolean;
}

/** A default instead of what was meant here may take the router's own way out. */
const ROUTE_OPTIONS: readonly string[] = ['metric', 'table', 'full_tunnel'];

const ELSEWHERE = 'expected it in /etc/config/network, or wherever the interface is made';

/** Of netifd and wg(8), with what to write instead. */
const FOREIGN_OPTIONS: Readonly<Record<string, string>> = {
  ip4table: 'expected option table, for routes of both families',
  ip6table: 'expected option table, for routes of both families',
  ...Object.fromEntries(
    ['proto', 'nohostroute', 'tunlink', 'ip6prefix', 'auto', 'disabled', 'ipaddr', 'ip6addr', 'dns'].map(
      (name) => [name, ELSEWHERE],
    ),
  ),
  private_key: `${ELSEWHERE}; or option private_key_file with option create '1'`,
};

/**
 * Checks a section `config interface 'NAME'`. The option `ifname` takes the place of the name of the section, for names that UCI
 * does not allow there (`wg-vpn`). An option that is faulty keeps its default, but for those that say where routes go or how the interface is
 * made: with such a fault the interface cannot be served. Without a name there is no result.
 */
export function readInterface(section: UciSection, reader: SectionReader): InterfaceSection | undefined {
  const name = readName(section, reader);
  if (name === undefined) return undefined;
  reader.ifname = name;

  const faulty: string[] = [];
  const settings = settingsOf(name, (option) => {
    reader.faulty = false;
    const value = reader.take(INTERFACE_OPTIONS, option);
    if (reader.faulty) faulty.push(option);
    return value;
  });
  reader.warnOfUnknown(Object.keys(INTERFACE_OPTIONS), FOREIGN_OPTIONS);
  warnOfTimes(settings, reader);
  const usable = [
    canUse(ROUTE_OPTIONS, 'its routes would go elsewhere'),
    canBeMade(),
    !leadsNowhere(settings, reader),
  ];
  return { settings: withTable(settings), usable: usable.every((each) => each) };

  function canUse(names: readonly string[], otherwise: string): boolean {
    const options = names.filter((option) => faulty.includes(option)).map((option) => `option ${option}`);
    if (options.length === 0) return true;
    reader.fault(undefined, `is not served, because ${options.join(' and ')} cannot be used: ${otherwise}`);
    return false;
  }

  function canBeMade(): boolean {
    if (settings.creation === undefined) {
      for (const option of CREATION_OPTIONS) {
        if (section.options.has(option))
          reader.warn(option, `has no effect without option create '1': ${ELSEWHERE}`);
      }
      return canUse(['create'], 'it is not known whether to make it');
    }
    if (!section.options.has('private_key_file')) {
      const expected = 'expected the path of a file with what wg genkey writes';
      reader.fault(
        'private_key_file',
        `is missing, which option create '1' needs, so ${name} is not served: ${expected}`,
      );
      return false;
    }
    return canUse(CREATION_OPTIONS, 'it would be made otherwise than it is meant');
  }
}

/** A full tunnel has a table of its own. */
function withTable(settings: InterfaceConfig): InterfaceConfig {
  return settings.fullTunnel ? { ...settings, routeTable: settings.routeTable ?? FULL_TUNNEL } : settings;
}

/** Rules into a table that has other routes besides ours would take these before the local networks' own. */
function leadsNowhere({ name, fullTunnel, routeTable }: InterfaceConfig, reader: SectionReader): boolean {
  if (!fullTunnel || routeTable === undefined || !KERNEL_TABLES.includes(routeTable)) return false;
  const expected = `expected a table of its own for full_tunnel, or none: it is ${FULL_TUNNEL} then`;
  reader.fault('table', `is one of the kernel's own, so ${name} is not served: ${expected}`);
  return true;
}

function warnOfTimes(
  { deadPeerTimeout, probeTimeout, checkAddress }: InterfaceConfig,
  reader: SectionReader,
) {
  if (deadPeerTimeout <= REKEY_AFTER_TIME) {
    const reason = `is not above ${REKEY_AFTER_TIME} s, the age at which WireGuard renews a handshake`;
    reader.warn(
      'dead_peer_timeout',
      `${reason}: living peers will be put to the test again and again; expected 150`,
    );
  }
  if (probeTimeout > 0 && probeTimeout <= KEEPALIVE_TIMEOUT) {
    const reason = `is not above ${KEEPALIVE_TIMEOUT} s, the time that WireGuard may take for an answer`;
    reader.warn('probe_timeout', `${reason}: living peers will be put to the test in vain; expected 20`);
  }
  if (probeTimeout >= deadPeerTimeout) {
    const reason = `is not below dead_peer_timeout, ${deadPeerTimeout} s`;
    reader.warn(
      'probe_timeout',
      `${reason}, and has no effect: expected 20, or 0 if nothing is to be tested`,
    );
  }
  if (probeTimeout === 0 && checkAddress !== undefined) {
    reader.warn('check_address', 'has no effect with probe_timeout 0, the time that it has for an answer');
  }
}

function readName(section: UciSection, reader: SectionReader): string | undefined {
  if (section.options.has('ifname')) return reader.take(INTERFACE_OPTIONS, 'ifname');
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
