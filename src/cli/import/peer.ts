import { Config, parseUci, uciWord } from '../../config/index.js';
import type { WgQuickSection } from '../../wg-quick/wg-quick.js';
import { notKnown } from './interface.js';
import type { Place, Say } from './notes.js';

/** Keys of `[Peer]` as options of `config peer`. */
const OPTIONS: ReadonlyMap<string, string> = new Map([
  ['PublicKey', 'public_key'],
  ['PresharedKey', 'preshared_key'],
  ['Endpoint', 'endpoint'],
  ['AllowedIPs', 'allowed_ips'],
  ['PersistentKeepalive', 'persistent_keepalive'],
]);

/** No key can be this, so that whoever pastes it is told. */
const NOT_SHOWN = 'preshared-key-not-shown-on-a-terminal';

/** A peer section of UCI. */
export interface PeerSection {
  readonly publicKey: string;
  /** With all that it needs. */
  readonly text: string;
  /** The same without its preshared key. */
  readonly shown: string;
}

interface Line {
  readonly text: string;
  readonly place: Place;
  readonly secret?: boolean;
}

/**
 * Makes a section of a `[Peer]`, as the parser of the configuration takes it. What that says against it is told with the place in the file.
 * @returns undefined where it cannot be used
 */
export function peerSection(
  name: string,
  ifname: string,
  section: WgQuickSection,
  say: Say,
): PeerSection | undefined {
  const head = { key: '[Peer]', line: section.line };
  const lines: Line[] = [
    { text: `config peer '${name}'`, place: head },
    { text: "\toption enabled '1'", place: head },
    { text: `\toption ifname ${uciWord(ifname)}`, place: head },
    ...section.entries.flatMap((entry) => linesOf(entry, say)),
  ];
  const text = lines.map((line) => `${line.text}\n`).join('');
  const config = new Config(parseUci(text), name);
  for (const { severity, line = 1, option, message } of config.problems) {
    const place = lines[line - 1]?.place ?? head;
    // What is missing has no line of its own.
    const key = place === head ? [...OPTIONS].find(([, one]) => one === option)?.[0] : place.key;
    say(severity, { ...place, key: key ?? head.key }, message);
  }
  const [peer] = config.peers(ifname);
  if (peer === undefined) return undefined;
  const shown = lines.map((line) => `${line.secret ? `\toption preshared_key '${NOT_SHOWN}'` : line.text}\n`);
  return { publicKey: peer.publicKey, text, shown: shown.join('') };
}

function linesOf(place: WgQuickSection['entries'][number], say: Say): Line[] {
  const { key, value } = place;
  const option = OPTIONS.get(key);
  // wg(8) takes all spaces out of a line before it reads it.
  const word = value.replaceAll(/\s/g, '');
  if (option === undefined) say('warning', place, notKnown('Peer'));
  if (option === undefined || word === '') return [];
  if (key !== 'AllowedIPs') {
    return [{ text: `\toption ${option} ${uciWord(word)}`, place, secret: key === 'PresharedKey' }];
  }
  return word
    .split(',')
    .filter((one) => one !== '')
    .map((one) => ({ text: `\tlist ${option} ${uciWord(one)}`, place }));
}
