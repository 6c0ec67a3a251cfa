import { parseAllowedIp, parseInnerAddress } from './allowed-ips.js';
import { parseMark, parseOwnAddress, parsePath } from './creation.js';
import { parseEndpoint } from './endpoint.js';
import { parseKey, parsePublicKey } from './key.js';
import { choice, seconds, secondsOrOff, text, whole, yesNo } from './option.js';
import { parseTable } from './routing-table.js';
import { Secret } from './secret.js';
import { MAX_U32, parseIfname } from './values.js';

/*
 * Every option that a section may have. What each means, in a sentence, stands in scripts/man/options.mjs, which is kept out of the program:
 * from both of them come the manual page and the tables of docs/configuration.md, which a test holds to them.
 */

const YEAR = 31536000;

/** Of `config peer 'NAME'`. */
export const PEER_OPTIONS = {
  enabled: yesNo(false),
  ifname: { ...text(parseIfname), required: "the WireGuard interface, as in option ifname 'vpn'" },
  public_key: { ...text(parsePublicKey), required: 'the public key of the peer, 44 characters' },
  endpoint: {
    ...text(parseEndpoint),
    list: true,
    required: "host:port, as in option endpoint 'gw.example.org:51820'",
  },
  allowed_ips: { ...text(parseAllowedIp), list: true },
  persistent_keepalive: secondsOrOff(1, 65535, 0),
  preshared_key: text((key) => new Secret(parseKey(key))),
  priority: whole(0, 65535, 0, 'a priority (smaller is better)'),
  weight: whole(1, 100, 1, 'a weight'),
} as const;

/** Of `config interface 'IFNAME'`. */
export const INTERFACE_OPTIONS = {
  ifname: text(parseIfname),
  connect_timeout: seconds(1, 3600, 5),
  check_interval: seconds(1, 3600, 5),
  dead_peer_timeout: seconds(10, 86400, 150),
  strategy: choice(['random', 'fastest'], 'random'),
  metric: whole(0, MAX_U32, undefined, 'a route metric'),
  table: text(parseTable),
  ntp: yesNo(true),
  ntp_timeout: seconds(1, 3600, 5),
  probe_interval: secondsOrOff(1, 3600, 15),
  probe_timeout: secondsOrOff(5, 3600, 20),
  probe_address: text(parseInnerAddress),
  check_address: text(parseInnerAddress),
  failback_interval: secondsOrOff(10, 86400, 300),
  max_age: secondsOrOff(60, YEAR, 0),
  block_when_lost: yesNo(false),
  full_tunnel: { ...yesNo(false), preset: undefined }, // off, but not where it is faulty
  create: { ...yesNo(false), preset: undefined }, // as full_tunnel
  private_key_file: text(parsePath),
  addresses: { ...text(parseOwnAddress), list: true, preset: [] },
  mtu: whole(68, 65535, 1420, 'bytes'),
  listen_port: whole(1, 65535, undefined, 'a UDP port'),
  fwmark: text(parseMark),
  run_time_peers: choice(['add', 'expect', 'keep'], 'add'),
} as const;
