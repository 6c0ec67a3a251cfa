import type { UciPackage, UciSection } from '../uci/uci.js';
import { leadsTo } from './allowed-ips.js';
import { defaultInterface, type InterfaceConfig, readInterface } from './interface.js';
import { type PeerConfig, readPeer } from './peer.js';
import { type Problem, ProblemList } from './problem.js';
import { type FindTable, findTable } from './routing-table.js';
import { SectionReader, unknownSection } from './section-reader.js';

const SECTION_TYPES = ['peer', 'interface'] as const;

/** Everything that /etc/config/wgpeerselector says, checked, and what is wrong with it. */
export class Config {
  /** The path it was read from. */
  readonly file: string;
  /** In the order of the file. */
  readonly problems: readonly Problem[];
  readonly #find: FindTable;
  readonly #settings = new Map<string, InterfaceConfig>();
  readonly #unserved = new Set<string>();
  readonly #peers = new Map<string, PeerConfig[]>();
  readonly #ownKeys = new Map<string, Set<string>>();

  /**
   * Checks a parsed file. One bad section does not stop the others: it is left out and named in `problems`.
   * @param file the path to name in problems
   * @param find how routing tables are found by name; tests give another
   */
  constructor(uci: UciPackage, file: string, find: FindTable = findTable) {
    this.file = file;
    this.#find = find;
    const problems = new ProblemList(file);
    const interfaceReaders: SectionReader[] = [];
    const effective: SectionReader[] = [];
    const firsts = new Map<string, PeerConfig>();
    for (const section of uci.sections) {
      const reader = new SectionReader(file, section, problems, find);
      if (section.type === 'peer') {
        const { ifname, publicKey, peer } = readPeer(section, reader);
        if (ifname !== undefined && publicKey !== undefined)
          entry(this.#ownKeys, ifname, newSet).add(publicKey);
        if (peer !== undefined) this.#addPeer(peer, reader, firsts);
      } else if (section.type === 'interface') {
        const read = readInterface(section, reader);
        if (read === undefined) continue;
        const { settings, usable } = read;
        interfaceReaders.push(reader);
        if (!usable) this.#unserved.add(settings.name);
        if (!this.#settings.has(settings.name)) {
          this.#settings.set(settings.name, settings);
          effective.push(reader);
        } else
          reader.warn(undefined, `interface ${settings.name} has settings already: these have no effect`);
      } else {
        problems.add(unknownSection(file, section, SECTION_TYPES));
      }
    }
    for (const reader of interfaceReaders) {
      const { ifname } = reader;
      if (ifname === undefined || this.#ownKeys.has(ifname)) continue;
      if (this.interface(ifname).runTimePeers !== 'add') continue; // its peers are given at run time
      reader.warn(undefined, `has settings, but no peer has option ifname '${ifname}'`);
    }
    for (const reader of effective) this.#warnOfAddresses(reader);
    this.problems = problems.sorted();
  }

  /** The interfaces that have at least one usable peer, in the order in which the file first names them. */
  get interfaceNames(): readonly string[] {
    return [...this.#peers.keys()].filter((ifname) => this.peers(ifname).length > 0);
  }

  /**
   * The interfaces that are to be served: those with a usable peer, in the order in which the file first names them, and those that are given
   * peers at run time.
   */
  get served(): readonly string[] {
    const expecting = [...this.#settings.values()].filter(({ runTimePeers }) => runTimePeers !== 'add');
    const names = new Set([...this.interfaceNames, ...expecting.map(({ name }) => name)]);
    return [...names].filter((name) => !this.#unserved.has(name));
  }

  /** The settings of an interface; defaults where the file has none. */
  interface(ifname: string): InterfaceConfig {
    return this.#settings.get(ifname) ?? defaultInterface(ifname);
  }

  /** Interfaces that a fault in their settings keeps from being served; they have no peers to choose from. */
  get unserved(): ReadonlySet<string> {
    return this.#unserved;
  }

  /** The peers to choose from: enabled and without fault, in the order of the file. */
  peers(ifname: string): readonly PeerConfig[] {
    if (this.#unserved.has(ifname)) return [];
    return (this.#peers.get(ifname) ?? []).filter((peer) => peer.enabled);
  }

  /** The peers that are not enabled and have no fault, in the order of the file. */
  disabledPeers(ifname: string): readonly PeerConfig[] {
    return (this.#peers.get(ifname) ?? []).filter((peer) => !peer.enabled);
  }

  /** Whether a section of the file is a peer of that name without fault. */
  hasPeer(ifname: string, name: string): boolean {
    return (this.#peers.get(ifname) ?? []).some((peer) => peer.name === name);
  }

  /**
   * The same, and these sections of peers besides, which stand in no file and are behind all that do.
   * What is wrong with them is not told: {@link problems} are those of the file.
   */
  with(sections: readonly UciSection[]): Config {
    const more = new Config({ sections }, this.file, this.#find);
    const both = new Config({ sections: [] }, this.file, this.#find);
    for (const [name, settings] of this.#settings) both.#settings.set(name, settings);
    for (const name of this.#unserved) both.#unserved.add(name);
    for (const one of [this, more]) {
      for (const [ifname, peers] of one.#peers)
        entry(both.#peers, ifname, (): PeerConfig[] => []).push(...peers);
      for (const [ifname, keys] of one.#ownKeys)
        for (const key of keys) entry(both.#ownKeys, ifname, newSet).add(key);
    }
    return both;
  }

  /** Every peer without fault, of all interfaces, disabled ones too. */
  get allPeers(): readonly PeerConfig[] {
    return [...this.#peers.values()].flat();
  }

  /**
   * The public keys of all peer sections of an interface, disabled and faulty ones included. A peer of the kernel with one
   * of these keys is ours to remove; every other is not.
   */
  ownKeys(ifname: string): ReadonlySet<string> {
    return this.#ownKeys.get(ifname) ?? newSet();
  }

  /** @param firsts the first enabled peer of each interface and key */
  #addPeer(peer: PeerConfig, reader: SectionReader, firsts: Map<string, PeerConfig>): void {
    entry(this.#peers, peer.ifname, (): PeerConfig[] => []).push(peer);
    if (!peer.enabled) return;
    const twin = entry(firsts, `${peer.ifname} ${peer.publicKey}`, () => peer);
    if (twin === peer) return;
    const reason = `is also the key of peer '${twin.name}'${twin.line === 0 ? '' : ` in line ${twin.line}`}`;
    reader.warn('public_key', `${reason}: expected a key of its own for each peer of ${peer.ifname}`);
  }

  /** An address inside the tunnel is of use with the peers only whose allowed IPs hold it. */
  #warnOfAddresses(reader: SectionReader): void {
    const { ifname } = reader;
    if (ifname === undefined) return;
    const { probeAddress, checkAddress } = this.interface(ifname);
    for (const [option, address] of [
      ['probe_address', probeAddress],
      ['check_address', checkAddress],
    ] as const) {
      if (address === undefined) continue;
      const [first, ...more] = this.peers(ifname).filter(({ allowedIps }) => !leadsTo(allowedIps, address));
      if (first === undefined) continue;
      const whose = `peer '${first.name}'${more.length > 0 ? ` and ${more.length} more` : ''}`;
      const reason = `is ${address}, which the allowed IPs of ${whose} do not hold`;
      reader.warn(option, `${reason}: expected an address behind every peer of ${ifname}`);
    }
  }
}

function newSet(): Set<string> {
  return new Set();
}

function entry<V>(map: Map<string, V>, key: string, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
