import type { Problem } from '../../config/index.js';
import { isUciName, uciWord } from '../../config/index.js';
import type { WgQuickSection } from '../../wg-quick/wg-quick.js';
import {
  compareInterfaces,
  creation,
  type InterfaceFacts,
  interfaceComments,
  readInterface,
} from './interface.js';
import { Notes, type Say } from './notes.js';
import { type PeerSection, peerSection } from './peer.js';
import { uciName } from './text.js';

/** A file of wg-quick(8) as it was read. */
export interface WgQuickFile {
  /** As it was named on the command line. */
  readonly path: string;
  readonly sections: readonly WgQuickSection[];
}

/** What has become of files. */
export interface Imported {
  /** For /etc/config/wgpeerselector; empty where no file has a usable peer. Holds preshared keys, and never the private one. */
  readonly text: string;
  /** The same with something in place of preshared keys that cannot be taken for one. */
  readonly shown: string;
  /** What does not fit, and what has to be done by hand; errors are of peers that were left out. */
  readonly problems: readonly Problem[];
}

/**
 * Makes a configuration of the daemon of files of wg-quick(8), whose peers are ways for one interface.
 * @param create whether the daemon makes the interface, too
 */
export function importFiles(files: readonly WgQuickFile[], ifname: string, create = false): Imported {
  const notes = new Notes();
  // Sections of all types share their names.
  const names = new Set([uciName(ifname)]);
  const byKey = new Map<string, string>();
  const peers: PeerSection[] = [];
  let first: InterfaceFacts | undefined;
  let everything = false;
  for (const { path, sections } of files) {
    const say = notes.of(path);
    const facts = readInterface(path, sections, create, say);
    if (first !== undefined) compareInterfaces(first, facts, say);
    const stem = uciName(path.replace(/^.*\//s, '').replace(/\.conf$/i, ''));
    for (const section of peersOf(sections, say)) {
      const name = unused(stem, names);
      const peer = peerSection(name, ifname, section, say);
      if (peer === undefined) continue;
      names.add(name);
      peers.push(peer);
      first ??= facts;
      everything ||= !facts.ownTable && leadsEverywhere(section);
      const twin = byKey.get(peer.publicKey);
      if (twin === undefined) byKey.set(peer.publicKey, name);
      else say('warning', placeOf(section, 'PublicKey'), `is also the key of peer '${twin}'`);
    }
  }
  const head = first === undefined ? '' : headOf(ifname, first, everything, create);
  const write = (part: 'text' | 'shown'): string =>
    first === undefined ? '' : [head, ...peers.map((peer) => peer[part])].join('\n');
  return { text: write('text'), shown: write('shown'), problems: notes.all() };
}

function peersOf(sections: readonly WgQuickSection[], say: Say): WgQuickSection[] {
  const peers = sections.filter(({ type }) => type === 'Peer');
  if (peers.length === 0) say('error', undefined, 'has no [Peer]: expected the server that it is for');
  const [, second] = peers;
  if (second !== undefined) {
    const reason = 'is not the only one in the file, and wgpeerselector holds one peer at a time';
    say('warning', { key: '[Peer]', line: second.line }, `${reason}: expected servers that do the same`);
  }
  return peers;
}

/** Whether everything is meant to go to that peer, for which wg-quick has a table and rules. */
function leadsEverywhere({ entries }: WgQuickSection): boolean {
  return entries.some(({ key, value }) => key === 'AllowedIPs' && /\/0+(?![0-9])/.test(value));
}

function placeOf(section: WgQuickSection, key: string): WgQuickSection['entries'][number] | undefined {
  return section.entries.findLast((entry) => entry.key === key);
}

function unused(stem: string, names: ReadonlySet<string>): string {
  let name = stem;
  for (let number = 2; names.has(name); number++) name = `${stem}_${number}`;
  return name;
}

/** What stands above the peers: where all of it belongs, and the section of the interface. */
function headOf(ifname: string, facts: InterfaceFacts, everything: boolean, create: boolean): string {
  const made = create ? creation(ifname, facts) : { comments: interfaceComments(ifname, facts), options: [] };
  const comments = [
    'By wgpeerselector import, for /etc/config/wgpeerselector or /etc/wgpeerselector/wgpeerselector; wgpeerselector check tells what is missing.',
    '',
    ...made.comments,
  ];
  return [
    ...comments.map((line) => `# ${line}`.trimEnd()),
    '',
    `config interface '${uciName(ifname)}'`,
    ...(isUciName(ifname) ? [] : [`\toption ifname ${uciWord(ifname)}`]),
    ...[...(everything ? ["option full_tunnel '1'"] : []), ...made.options].map((line) => `\t${line}`),
    '',
  ].join('\n');
}
