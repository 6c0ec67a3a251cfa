import { isIP } from '#platform/text.js';
import { isUciName, uciWord } from '../../config/index.js';
import { WG_QUICK_KEYS, type WgQuickSection } from '../../wg-quick/wg-quick.js';
import { printable } from '../../wording.js';
import type { Place, Say } from './notes.js';
import { shellWord } from './text.js';

/** What `[Interface]` of a file says that somebody has to do by hand. All of it may stand in a command. */
export interface InterfaceFacts {
  readonly path: string;
  /** Never shown. */
  readonly privateKey: { readonly value: string; readonly line: number } | undefined;
  readonly addresses: readonly string[];
  /** Numbers, by their keys. */
  readonly numbers: ReadonlyMap<string, string>;
  /** Whether it says itself where routes go, or that there are none. */
  readonly ownTable: boolean;
}

interface Setting {
  /** netifd's option. */
  readonly option: string;
  /** What sets it elsewhere. */
  command(ifname: string, value: string): string;
}

const NUMBERS: ReadonlyMap<string, Setting> = new Map([
  ['MTU', { option: 'mtu', command: (ifname, value) => `ip link set ${ifname} mtu ${value}` }],
  ['FwMark', { option: 'fwmark', command: (ifname, value) => `wg set ${ifname} fwmark ${value}` }],
  [
    'ListenPort',
    { option: 'listen_port', command: (ifname, value) => `wg set ${ifname} listen-port ${value}` },
  ],
]);

/** Where a private key is written for `option create`. */
const KEY_FOLDER = '/etc/wgpeerselector';

const NOT_RUN = 'is left out, as wgpeerselector runs no commands: expected them where the interface is made';

/** What is not for us, with what to do instead. */
const ADVICE: ReadonlyMap<string, string> = new Map([
  ['DNS', 'is left out: expected list dns in /etc/config/network, or whatever sets name servers here'],
  ['Table', "is left out: expected option table in config interface, where routes are not to go to 'main'"],
  ...['PreUp', 'PostUp', 'PreDown', 'PostDown'].map((key) => [key, NOT_RUN] as const),
  ['SaveConfig', 'is left out: wgpeerselector writes no file'],
]);

/**
 * Takes what `[Interface]` says, and tells of what has no place here. A file may have none.
 * @param create the interface is made by this configuration
 */
export function readInterface(
  path: string,
  sections: readonly WgQuickSection[],
  create: boolean,
  say: Say,
): InterfaceFacts {
  const entries = sections.filter(({ type }) => type === 'Interface').flatMap((section) => section.entries);
  const addresses: string[] = [];
  const numbers = new Map<string, string>();
  let privateKey: InterfaceFacts['privateKey'];
  let ownTable = false;
  for (const { key, value, line } of entries) {
    const place = { key, line };
    const number = NUMBERS.get(key);
    if (key === 'PrivateKey') {
      if (/^[A-Za-z0-9+/]{43}=$/.test(value)) privateKey = { value, line };
      else say('warning', place, 'is no key: expected 32 bytes in base64');
    } else if (key === 'Address') takeAddresses(value, addresses, place, say);
    else if (number !== undefined) {
      if (/^(0x[0-9a-f]{1,8}|[0-9]{1,10})$/i.test(value)) {
        numbers.set(key, value);
        if (!create) say('warning', place, 'belongs to the interface: expected it where that is made');
      } else if (value.toLowerCase() !== 'off') say('warning', place, 'is no number, and left out');
    } else if (key === 'Table' && /^auto$/i.test(value)) continue;
    else {
      ownTable ||= key === 'Table';
      say('warning', place, ADVICE.get(key) ?? notKnown('Interface'));
    }
  }
  return { path, privateKey, addresses, numbers, ownTable };
}

/** What to say of a key that wg(8) and wg-quick(8) do not have. */
export function notKnown(type: WgQuickSection['type']): string {
  return `is not known to wg-quick, and left out: expected one of ${WG_QUICK_KEYS[type].join(', ')}`;
}

function takeAddresses(value: string, addresses: string[], place: Place, say: Say): void {
  for (const address of value.split(/[\s,]+/)) {
    if (isAddress(address)) addresses.push(address);
    else if (address !== '') say('warning', place, 'holds what is no address, which is left out');
  }
}

/** An address, with a prefix or without. */
function isAddress(text: string): boolean {
  const [address = '', prefix = '0', ...more] = text.split('/');
  const family = isIP(address);
  if (family === 0 || address.includes('%') || more.length > 0) return false;
  return /^[0-9]{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128);
}

/** Tells of what is not as in the first file: the interface has one private key, and one set of addresses. */
export function compareInterfaces(first: InterfaceFacts, other: InterfaceFacts, say: Say): void {
  const { path } = first;
  if (first.privateKey && other.privateKey && first.privateKey.value !== other.privateKey.value) {
    const reason = `is not that of ${printable(path)}, and the interface has one`;
    const place = { key: 'PrivateKey', line: other.privateKey.line };
    say('warning', place, `${reason}: expected a provider who takes that key at this server, too`);
  }
  if ([...first.addresses].sort().join() !== [...other.addresses].sort().join()) {
    say('warning', undefined, `has other addresses than ${printable(path)}, whose the output has`);
  }
}

/** A command that prints the private key: it is nowhere but in its file, which that takes it from. */
function keyCommand({ privateKey, path }: InterfaceFacts): string | undefined {
  return (
    privateKey &&
    `sed -n '${privateKey.line}s|^[^=]*=[^A-Za-z0-9+/]*\\([A-Za-z0-9+/]*=\\).*|\\1|p' ${shellWord(path)}`
  );
}

/** What makes the interface by this configuration: how its key gets into the file, as comments, and the options. */
export function creation(ifname: string, facts: InterfaceFacts): { comments: string[]; options: string[] } {
  const file = `${KEY_FOLDER}/${ifname}.key`;
  const key = keyCommand(facts) ?? 'wg genkey';
  // Its group may read it: systemd's service has a folder whose group is its own.
  const command = `umask 027; mkdir -p ${KEY_FOLDER}; ${key} >${shellWord(file)}`;
  const options = [...facts.numbers].flatMap(([name, number]) => {
    const option = NUMBERS.get(name)?.option;
    return option === undefined || Number(number) === 0 ? [] : [`option ${option} '${Number(number)}'`];
  });
  return {
    comments: [
      'The daemon makes the interface. Its private key, which is not shown here, has to be in a file that the daemon may read. As root:',
      ...indented([`(${command})`]),
    ],
    options: [
      "option create '1'",
      `option private_key_file ${uciWord(file)}`,
      ...facts.addresses.map((address) => `list addresses '${address}'`),
      ...options,
    ],
  };
}

/** How the interface is made, as comments: it is not this configuration that does it. */
export function interfaceComments(ifname: string, facts: InterfaceFacts): string[] {
  const { addresses, numbers } = facts;
  const key = keyCommand(facts);
  const settings = [...numbers].flatMap(([name, number]) => {
    const how = NUMBERS.get(name);
    return how === undefined ? [] : [{ ...how, number }];
  });
  const network = `network.${ifname}`;
  const selector = `network.${ifname}_peerselector`;
  const openwrt = [
    `uci set ${network}='interface'`,
    `uci set ${network}.proto='wireguard'`,
    key === undefined ? '' : `uci set ${network}.private_key="$(${key})"`,
    ...addresses.map((address) => `uci add_list ${network}.addresses='${address}'`),
    ...settings.map(({ option, number }) => `uci set ${network}.${option}='${number}'`),
    `uci set ${selector}='interface'`,
    `uci set ${selector}.proto='wgpeerselector'`,
    `uci set ${selector}.ifname='${ifname}'`,
    'uci commit network',
    'reload_config',
  ];
  const word = shellWord(ifname);
  const elsewhere = [
    `ip link add ${word} type wireguard`,
    key === undefined ? '' : `${key} | wg set ${word} private-key /dev/stdin`,
    ...addresses.map((address) => `ip address add ${address} dev ${word}`),
    ...settings.map(({ command, number }) => command(word, number)),
    `ip link set ${word} up`,
  ];
  return [
    'The interface is made elsewhere, with its private key, which is not shown here.',
    ...(isUciName(ifname) ? ['On OpenWrt:', ...indented(openwrt)] : []),
    isUciName(ifname) ? 'On any other Linux, as root, after each boot:' : 'As root, after each boot:',
    ...indented(elsewhere),
  ];
}

function indented(lines: readonly string[]): string[] {
  return lines.filter((line) => line !== '').map((line) => `  ${line}`);
}
