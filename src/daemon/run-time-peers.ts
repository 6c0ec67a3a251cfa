import {
  Config,
  formatProblem,
  isUciName,
  type Problem,
  type UciOption,
  type UciSection,
} from '../config/index.js';
import { type Table, UbusError, type Value } from '../ubus/index.js';
import { messageOf } from '../wording.js';
import { KeptPeers } from './kept-peers.js';
import type { Log } from './log.js';

/** Most of them for one interface. */
const MOST = 1000;

/** What LuCI adds to every call. */
const FOREIGN = 'ubus_rpc_session';

/** What the daemon is, as far as its peers have to do with it. */
export interface PeersOwner {
  /** What the file says, as it was read last. */
  config(): Config;
  /** To be called when there are others. */
  changed(): void;
  readonly log: Log;
}

/**
 * The peers that somebody has given at run time: a broker, say, that hands out gateways. Each is what a section `config peer` of the file
 * would be, and is checked as one. They are in memory, and with `option run_time_peers 'keep'` in a file of /var/run besides. A peer of the file has
 * its name alone.
 */
export class RunTimePeers {
  readonly #owner: PeersOwner;
  readonly #kept: KeptPeers;
  /** By interface, and by name. */
  readonly #sections = new Map<string, Map<string, UciSection>>();

  constructor(owner: PeersOwner, kept = new KeptPeers()) {
    this.#owner = owner;
    this.#kept = kept;
  }

  /** The file's configuration, and these peers. */
  get config(): Config {
    const all = [...this.#sections.values()].flatMap((sections) => [...sections.values()]);
    return all.length === 0 ? this.#owner.config() : this.#owner.config().with(all);
  }

  /**
   * Makes them the peers of an interface, besides those of the file.
   *
   * @param values a table for each: its name, and the options of `config peer`
   * @returns what is wrong with them though they can be used
   * @throws {UbusError} INVALID_ARGUMENT with all that is wrong; then everything stays as it was
   */
  set(ifname: string, values: readonly Value[]): readonly string[] {
    const sections = new Map<string, UciSection>();
    for (const section of values.map((value) => sectionOf(ifname, value))) {
      if (sections.has(section.name)) throw refusal(`there are two peers ${section.name}`);
      sections.set(section.name, section);
    }
    return this.#put(ifname, sections);
  }

  /** Adds one, or gives it other options, as {@link set} does. @throws {UbusError} */
  add(ifname: string, value: Table): readonly string[] {
    const section = sectionOf(ifname, value);
    const sections = new Map(this.#sections.get(ifname)).set(section.name, section);
    return this.#put(ifname, sections, section.name);
  }

  /** @throws {UbusError} NOT_FOUND */
  remove(ifname: string, name: string): void {
    const sections = new Map(this.#sections.get(ifname));
    if (!sections.delete(name)) {
      const why = this.#inFile(ifname, name)
        ? `is in ${this.#owner.config().file}: change that`
        : 'is not there';
      throw new UbusError('NOT_FOUND', `peer ${name} was not given to ${ifname} at run time, and ${why}`);
    }
    this.#take(ifname, sections);
  }

  /**
   * The file was read, and these interfaces are new to it: theirs is what an earlier process has kept. What is wrong with that is told in
   * the log. What has a name in the file now is the file's.
   */
  restore(interfaces: readonly string[]): void {
    for (const ifname of interfaces) {
      if (!this.#keeps(ifname)) continue;
      try {
        const sections = this.#kept.read(ifname);
        this.#check(ifname, sections);
        this.#sections.set(ifname, new Map(sections.map((section) => [section.name, section])));
      } catch (error) {
        this.#owner.log.write('warning', ifname, `no peers of an earlier run: ${messageOf(error)}`);
      }
    }
    this.#yieldNames();
  }

  #yieldNames(): void {
    for (const [ifname, sections] of this.#sections) {
      for (const name of sections.keys()) {
        if (!this.#inFile(ifname, name)) continue;
        sections.delete(name);
        const reason = `${this.#owner.config().file} has a peer of that name now`;
        this.#owner.log.write('warning', ifname, `peer ${name}, given at run time, is dropped: ${reason}`);
      }
    }
  }

  #put(ifname: string, sections: Map<string, UciSection>, name?: string): readonly string[] {
    const taken = [...sections.keys()].find((one) => this.#inFile(ifname, one));
    if (taken !== undefined)
      throw refusal(`${this.#owner.config().file} has a peer ${taken}: expected another name`);
    const warnings = this.#check(ifname, [...sections.values()], name);
    this.#take(ifname, sections);
    return warnings;
  }

  /**
   * @param name the only one of interest
   * @returns warnings
   * @throws {UbusError}
   */
  #check(ifname: string, sections: readonly UciSection[], name?: string): readonly string[] {
    if (sections.length > MOST) throw refusal(`expected at most ${MOST} peers that are given at run time`);
    const { problems } = new Config({ sections }, '');
    const errors = problems.filter(({ severity }) => severity === 'error').map(inWords);
    if (errors.length > 0) throw refusal(`${ifname}: ${errors.join('; ')}`);
    const mine = name === undefined ? '' : `peer '${name}'`;
    return problems.filter(({ section }) => section?.startsWith(mine)).map(inWords);
  }

  #take(ifname: string, sections: Map<string, UciSection>): void {
    this.#sections.set(ifname, sections);
    this.#owner.changed();
    if (!this.#keeps(ifname)) return;
    try {
      this.#kept.write(ifname, [...sections.values()]);
    } catch (error) {
      this.#owner.log.write('warning', ifname, `peers given at run time are not kept: ${messageOf(error)}`);
    }
  }

  #keeps(ifname: string): boolean {
    return this.#owner.config().interface(ifname).runTimePeers === 'keep';
  }

  #inFile(ifname: string, name: string): boolean {
    return this.#owner.config().hasPeer(ifname, name);
  }
}

function refusal(why: string): UbusError {
  return new UbusError('INVALID_ARGUMENT', why);
}

/** A problem of what stands in no file. */
function inWords(problem: Problem): string {
  return formatProblem({ ...problem, file: '', line: undefined });
}

/** A peer as a section that the file could have. @throws {UbusError} INVALID_ARGUMENT for what cannot stand in one */
function sectionOf(ifname: string, value: Value): UciSection {
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    throw refusal('expected a table for each peer: its name, and the options of a section config peer');
  const { name, ...given } = value;
  if (typeof name !== 'string' || !isUciName(name) || name.length > 64)
    throw refusal('name: expected the name of the peer, 1 to 64 letters, digits and _');
  const options = new Map<string, UciOption>();
  for (const [option, values] of Object.entries({ enabled: true, ifname, ...given })) {
    if (option === FOREIGN) continue;
    if (!isUciName(option)) throw refusal(`peer ${name}: expected options of letters, digits and _ only`);
    const text = Array.isArray(values) ? values.map((one) => textOf(one, option)) : textOf(values, option);
    if (text.length === 0) continue; // as UCI has it: no assignment
    options.set(option, { name: option, value: text, line: 0, column: 0, itemLines: [] });
  }
  const about = `peer ${name}, ${ifname}`;
  if (options.get('ifname')?.value !== ifname) throw refusal(`${about}: expected no other ifname`);
  return { type: 'peer', name, anonymous: false, options, line: 0 };
}

/** @throws {UbusError} */
function textOf(value: Value, option: string): string {
  if (value === null) return '';
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'object')
    throw refusal(`option ${option}: expected a text, a number, or a list of them`);
  return String(value);
}
