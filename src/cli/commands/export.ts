import { standardOutput } from '#platform/process.js';
import { formatEndpoint, loadConfig, nearest, type PeerConfig } from '../../config/index.js';
import { formatWgQuick } from '../../wg-quick/wg-quick.js';
import { usage } from '../arguments.js';
import { EXIT } from '../exit.js';
import { CONFIG_DIR, type DescribedCommand, HELP, nameOf, runnable } from './command.js';

const COMMAND = {
  name: nameOf('export'),
  summary: 'print a peer as a file of wg-quick',
  operands: 'PEER',
  about:
    'Prints what wg-quick(8) needs to connect to PEER alone. The private key and the addresses are those of the interface, which the configuration does not hold: words in capital letters stand for them. A preshared key is printed only where standard output is no terminal.',
  options: { 'config-dir': CONFIG_DIR, help: HELP },
  examples: [['(umask 077; wgpeerselector export sn02 >sn02.conf)', 'without the interface in it']],
  exits: {
    [EXIT.OK]: '',
    [EXIT.USAGE]: 'the command line is wrong, or there is no such peer',
    [EXIT.CONFIGURATION]: 'the configuration cannot be read',
  },
  most: 1,
  stray: (word) => `'${word}' is one too many: one peer is printed`,
} as const satisfies DescribedCommand;

/** `wgpeerselector export` */
export const EXPORT = runnable(COMMAND, async (values, [name]) => {
  if (name === undefined) throw usage(COMMAND, 'name the peer');
  const config = loadConfig(values['config-dir'] ?? '/etc/config');
  const peer = config.allPeers.find((one) => one.name === name);
  if (peer === undefined) {
    const names = config.allPeers.map((one) => one.name);
    const meant = nearest(name, names);
    const hint =
      meant === undefined ? 'wgpeerselector check tells of those with a fault' : `did you mean ${meant}?`;
    throw usage(COMMAND, `${config.file} has no peer '${name}' that could be used: ${hint}`);
  }
  standardOutput.write(peerText(peer, standardOutput.terminalRows === undefined));
});

/** @param secrets whether the preshared key may be shown */
function peerText(peer: PeerConfig, secrets: boolean): string {
  const { ifname, publicKey, presharedKey, allowedIps, persistentKeepalive } = peer;
  const [endpoint = '', ...others] = peer.endpoints.map(formatEndpoint);
  const key = presharedKey && (secrets ? presharedKey.reveal() : 'NOT-SHOWN-ON-A-TERMINAL');
  const entries = [
    { key: 'PublicKey', value: publicKey },
    ...(key === undefined ? [] : [{ key: 'PresharedKey', value: key }]),
    { key: 'Endpoint', value: endpoint },
    { key: 'AllowedIPs', value: allowedIps.join(', ') },
    { key: 'PersistentKeepalive', value: String(persistentKeepalive) },
  ];
  const own = [
    { key: 'PrivateKey', value: 'PRIVATE-KEY' },
    { key: 'Address', value: 'ADDRESS' },
  ];
  const comments = [
    `Peer ${peer.name} of wgpeerselector. Private key and addresses are those of ${ifname}:`,
    `  wg show ${ifname} private-key; ip address show dev ${ifname}`,
    ...others.map((other) => `wg-quick takes one endpoint; another way: ${other}`),
  ];
  const text = formatWgQuick([
    { type: 'Interface', entries: own },
    { type: 'Peer', entries },
  ]);
  return comments.map((line) => `# ${line}\n`).join('') + text;
}
