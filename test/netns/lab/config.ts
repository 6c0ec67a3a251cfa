/** Configuration files for the daemon, in UCI's language. */
import { inside } from './addresses.js';
import type { Gateway } from './gateway.js';

/** Options of a section: a list becomes `list` lines, undefined leaves the option out. */
export type UciOptions = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/** A peer section: that of a gateway, with some options otherwise. */
export interface PeerSpec {
  readonly gateway: Gateway;
  /** The section's name; default: the gateway's. */
  readonly name?: string;
  readonly options?: UciOptions;
}

/** What a configuration holds. */
export interface ConfigSpec {
  readonly peers: readonly (Gateway | PeerSpec)[];
  /** The peers' interface; default: `vpn`. */
  readonly ifname?: string;
  /** Options of the section `config interface`, which is absent without. */
  readonly interface?: UciOptions;
  /** Text to append as it is. */
  readonly more?: string;
}

/** The text of a file `wgpeerselector`. */
export function configText(spec: ConfigSpec): string {
  const ifname = spec.ifname ?? 'vpn';
  const peers = spec.peers.map((peer) => {
    const { gateway, name, options }: PeerSpec = 'gateway' in peer ? peer : { gateway: peer };
    return section('peer', name ?? gateway.name, {
      enabled: 1,
      ifname,
      public_key: gateway.publicKey,
      endpoint: gateway.endpoint,
      allowed_ips: [inside.v4, inside.v6],
      ...options,
    });
  });
  const settings = spec.interface === undefined ? [] : [section('interface', ifname, spec.interface)];
  return [...settings, ...peers, spec.more ?? ''].join('\n');
}

/** The text of one section. */
export function section(type: string, name: string, options: UciOptions): string {
  const lines = Object.entries(options).flatMap(([option, value]) => {
    if (value === undefined) return [];
    if (typeof value === 'object') return value.map((item) => `\tlist ${option} '${item}'\n`);
    return [`\toption ${option} '${value}'\n`];
  });
  return `config ${type} '${name}'\n${lines.join('')}`;
}
