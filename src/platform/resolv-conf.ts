import { readIfAny } from '#platform/read-if-any.js';
import { decodeLatin1 } from '#platform/text.js';

/** What resolv.conf(5) says, as far as it concerns us. */
export interface ResolvConf {
  /** Addresses of the servers, in order. */
  readonly servers: readonly string[];
  /** Domains in which a short name is looked for. */
  readonly search: readonly string[];
  /** A name with so many dots is tried as it is first. */
  readonly ndots: number;
}

/** Reads /etc/resolv.conf; one that cannot be read says nothing. */
export function readResolvConf(path = '/etc/resolv.conf'): ResolvConf {
  const servers: string[] = [];
  let search: string[] = [];
  let ndots = 1;
  for (const [keyword, ...values] of linesOf(path, /^[#;].*/)) {
    if (keyword === 'nameserver') servers.push(...values.slice(0, 1));
    else if (keyword === 'search') search = values;
    else if (keyword === 'domain') search = values.slice(0, 1);
    else if (keyword === 'options') {
      const given = values.findLast((value) => /^ndots:\d+$/.test(value));
      if (given !== undefined) ndots = Number(given.slice('ndots:'.length));
    }
  }
  return { servers, search, ndots };
}

/** Addresses of a name in /etc/hosts, of both families, in order, without zones. */
export function readHosts(name: string, path = '/etc/hosts'): string[] {
  const wanted = name.toLowerCase();
  const found: string[] = [];
  for (const [address, ...names] of linesOf(path, /#.*/)) {
    if (address !== undefined && names.some((each) => each.toLowerCase() === wanted))
      found.push(address.replace(/%.*/, ''));
  }
  return found;
}

function linesOf(path: string, comment: RegExp): string[][] {
  const text = decodeLatin1(readIfAny(path) ?? new Uint8Array());
  return text.split('\n').map((line) =>
    line
      .replace(comment, '')
      .split(/\s+/)
      .filter((word) => word !== ''),
  );
}
