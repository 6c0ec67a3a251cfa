/** The kernel's state as Debian's own tools tell it, so that no test relies on the code it tests. */

/** A WireGuard interface as `wg show IFNAME dump` tells it, without its secrets. */
export interface WgDevice {
  readonly publicKey: string;
  readonly listenPort: number;
  readonly peers: readonly WgPeer[];
}

/** A peer of a WireGuard interface. */
export interface WgPeer {
  readonly publicKey: string;
  /** `address:port` or `[address]:port`; undefined if there is none. */
  readonly endpoint: string | undefined;
  readonly hasPresharedKey: boolean;
  readonly allowedIps: readonly string[];
  /** Seconds since the epoch; 0 if there was none. */
  readonly latestHandshake: number;
  readonly rxBytes: number;
  readonly txBytes: number;
  /** Seconds; 0 is off. */
  readonly persistentKeepalive: number;
}

/** A route as `ip -N -j route` tells it. */
export interface Route {
  readonly family: 4 | 6;
  /** `10.78.0.0/24`, `10.78.0.1`, `default`. */
  readonly dst: string;
  readonly dev: string | undefined;
  /** The number of the program that installed it (`rtm_protocol`). */
  readonly protocol: number;
  readonly metric: number | undefined;
  /** 254 is the main table. */
  readonly table: number;
  /** `1` unicast, `6` blackhole, `7` unreachable (`rtm_type`). */
  readonly type: number;
}

/** Reads the output of `wg show IFNAME dump`. */
export function parseWgDump(text: string): WgDevice {
  const [device = [], ...peers] = text
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t'));
  const [, publicKey = '', listenPort = ''] = device;
  return { publicKey, listenPort: Number(listenPort), peers: peers.map(parsePeer) };
}

/** Reads the output of `wg show all dump`: devices by their names. */
export function parseWgDumps(text: string): Map<string, WgDevice> {
  const rows = new Map<string, string[]>();
  for (const line of text.trimEnd().split('\n')) {
    const [name = ''] = line.split('\t', 1);
    rows.set(name, [...(rows.get(name) ?? []), line.slice(name.length + 1)]);
  }
  return new Map([...rows].map(([name, lines]) => [name, parseWgDump(lines.join('\n'))]));
}

function parsePeer(fields: readonly string[]): WgPeer {
  const [publicKey = '', psk, endpoint, allowed = '', handshake, rx, tx, keepalive = ''] = fields;
  return {
    publicKey,
    hasPresharedKey: psk !== '(none)',
    endpoint: endpoint === '(none)' ? undefined : endpoint,
    allowedIps: allowed === '(none)' ? [] : allowed.split(','),
    latestHandshake: Number(handshake),
    rxBytes: Number(rx),
    txBytes: Number(tx),
    persistentKeepalive: keepalive === 'off' ? 0 : Number(keepalive),
  };
}

/** `ip` leaves out the protocol of routes that `ip` itself added (RTPROT_BOOT of linux/rtnetlink.h). */
const rtprotBoot = 3;

/** A route in the output of `ip -N -j route`. */
interface Row {
  readonly dst: string;
  readonly dev?: string;
  readonly protocol?: string | number;
  readonly metric?: number;
  readonly table?: string | number;
  readonly type?: string | number;
}

/** Reads the output of `ip -N -j route show table all` for one family. */
export function parseRoutes(family: 4 | 6, text: string): Route[] {
  const rows: Row[] = text.trim() === '' ? [] : JSON.parse(text);
  return rows.map(({ dst, dev, protocol, metric, table, type }) => ({
    family,
    dst,
    dev,
    protocol: Number(protocol ?? rtprotBoot),
    metric,
    table: Number(table ?? 254),
    type: Number(type ?? 1),
  }));
}
