// What each option of the configuration means, in a few words. Names, types, bounds and defaults are those of src/config/options.ts, which is
// where the program reads them; a test holds the two to each other, and docs/configuration.md to both.
//
// A boolean is announced as one, and a number has its bounds behind it, so neither stands here. `preset` tells a default in words where there is
// no value to show.

/**
 * @typedef {object} OptionText
 * @property {string} text
 * @property {string} [preset]
 * @property {string} [more] behind the bounds
 */

/** @type {Readonly<Record<string, OptionText>>} */
export const peerTexts = {
  enabled: { text: 'whether the peer may be chosen' },
  ifname: { text: 'the WireGuard interface, 1 to 15 bytes' },
  public_key: { text: '32 bytes in base64: 44 characters, the last is `=`' },
  endpoint: {
    text: '`host:port`, `a.b.c.d:port`, `[v6]:port` or `[v6%zone]:port`; port 1 to 65535; several as a list, or in one option with spaces',
  },
  allowed_ips: { text: 'list, or one option with spaces: `address` or `address/prefix`', preset: 'none' },
  persistent_keepalive: { text: 'seconds between packets that keep a way through NAT open' },
  preshared_key: { text: '32 bytes in base64, as above; never shown anywhere', preset: 'none' },
  priority: { text: 'smaller is better: peers of one priority are a group' },
  weight: { text: 'the share of the peer within its group' },
};

/** @type {Readonly<Record<string, OptionText>>} */
export const interfaceTexts = {
  ifname: { text: 'the WireGuard interface', preset: 'the name of the section' },
  connect_timeout: { text: 'seconds that a peer has for its handshake' },
  check_interval: { text: 'seconds between two looks at an established connection', more: 'see below' },
  dead_peer_timeout: { text: 'seconds since the latest handshake after which the connection counts as lost' },
  strategy: {
    text: '`random`, or `fastest`: of the best group the peer with the shortest round trip is held',
  },
  metric: { text: 'metric of the routes', preset: "the kernel's" },
  table: {
    text: 'routing table: number, 1 to 4294967295, also as `0x64`, or name; see below',
    preset: '`main`',
  },
  ntp: { text: 'whether to set the clock before the first attempt' },
  ntp_timeout: {
    text: 'seconds that a certainly wrong clock may hold up the first attempt',
    more: 'others: 2',
  },
  probe_interval: { text: 'seconds of silence after which a connection is probed' },
  probe_timeout: { text: 'seconds without an answer after which it is put to the test' },
  probe_address: { text: 'where probes go, an address inside the tunnel', preset: 'from `allowed_ips`' },
  check_address: {
    text: 'what has to answer an ICMP echo within `probe_timeout`, an address inside the tunnel',
    preset: 'off',
  },
  failback_interval: { text: 'seconds after which better peers are tried while a lesser one is held' },
  max_age: { text: 'seconds after which a healthy connection is left for another' },
  block_when_lost: {
    text: 'whether nothing for the allowed IPs may leave by another way without a connection',
  },
  full_tunnel: {
    text: 'whether the allowed IPs come before the default route, for peers with 0.0.0.0/0 or ::/0; see below',
    preset: '`0`',
  },
  create: { text: 'whether the daemon makes the interface, and removes it; see below', preset: '`0`' },
  private_key_file: {
    text: 'with `create`: the path of a file that holds the private key, as `wg genkey` writes it',
    preset: 'none',
  },
  addresses: {
    text: 'with `create`: list, or one option with spaces: `address/prefix`, or `address` alone',
    preset: 'none',
  },
  mtu: { text: 'with `create`: bytes' },
  listen_port: { text: 'with `create`: UDP port', preset: 'any' },
  fwmark: {
    text: "with `create`: mark of WireGuard's own packets, 0 to 4294967295, also as `0x64`; `off` is 0",
    preset: "none, or `full_tunnel`'s",
  },
  run_time_peers: {
    text: '`add`, `expect` or `keep`: peers that are given at run time come to those of the file (`add`), may be all that there are (`expect`), or outlive a restart, too (`keep`)',
  },
};
