import { promises as dns } from 'node:dns';
import { isIP } from 'node:net';
import type { Answer, Failure, Family, Lookups } from '../lookup.js';
import { readHosts, readResolvConf } from '../resolv-conf.js';

/** Addresses that are taken of one answer, as many as native/lookup.c takes. */
const MOST_ADDRESSES = 32;

/** What c-ares says, in the words of native/lookup.c. */
const FAILURES: Readonly<Record<string, Failure>> = {
  ENOTFOUND: 'NONAME',
  EBADNAME: 'NONAME',
  ENODATA: 'NODATA',
  ECONNREFUSED: 'REFUSED',
  ETIMEOUT: 'TIMEOUT',
  ESERVFAIL: 'AGAIN',
  EREFUSED: 'AGAIN',
};

/**
 * Look-ups without native code: /etc/hosts, then the servers of /etc/resolv.conf with its search list; nothing else that
 * nsswitch.conf may name.
 *
 * Not dns.lookup, which is getaddrinfo: Node has four threads for it and for files, so four names and a dead server hold
 * up everything, and the process does not end before they have.
 */
export function openDnsLookups(): Lookups {
  const active = new Set<dns.Resolver>();
  let closed = false;
  return {
    start(name, family, milliseconds, done) {
      const resolver = new dns.Resolver({ timeout: Math.max(500, Math.ceil(milliseconds / 3)), tries: 3 });
      active.add(resolver);
      lookUp(resolver, name, family).then((answer) => {
        active.delete(resolver);
        if (!closed) done(answer);
      });
    },
    close() {
      closed = true;
      for (const resolver of active) resolver.cancel();
    },
  };
}

async function lookUp(resolver: dns.Resolver, name: string, family: Family): Promise<Answer> {
  const local = readHosts(name);
  const addresses = local.filter((address) => isIP(address) === family);
  if (addresses.length > 0) return { addresses: addresses.slice(0, MOST_ADDRESSES) };
  let failure: Failure = local.length > 0 ? 'NODATA' : 'NONAME';
  for (const candidate of local.length > 0 ? [] : candidates(name)) {
    try {
      const found = await (family === 4 ? resolver.resolve4(candidate) : resolver.resolve6(candidate));
      return { addresses: found.slice(0, MOST_ADDRESSES) };
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
      const said = FAILURES[code] ?? code;
      // That the name exists, without an address of this family, says more than that another does not exist.
      if (said !== 'NONAME') failure = said;
      if (said !== 'NONAME' && said !== 'NODATA') break;
    }
  }
  return { failure, addresses: [] };
}

/** The names to ask for, in order (resolv.conf(5), search and ndots). */
function candidates(name: string): string[] {
  if (name.endsWith('.')) return [name];
  const { search, ndots } = readResolvConf();
  const longer = search.map((domain) => `${name}.${domain}`);
  return name.split('.').length > ndots ? [name, ...longer] : [...longer, name];
}
