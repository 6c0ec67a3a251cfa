import { promises as dns } from 'node:dns';
import type { Resolver } from '../selector/world.js';

/**
 * Resolves names by asking the servers of /etc/resolv.conf for A and AAAA at once.
 *
 * Not getaddrinfo: it blocks a thread for as long as a dead server makes it, and Node waits for its threads before it exits.
 * Each resolution reads resolv.conf anew, so a change of servers needs no restart. /etc/hosts is not read.
 */
export class DnsResolver implements Resolver {
  readonly #active = new Set<dns.Resolver>();

  async resolve(name: string, timeout: number, found: (addresses: readonly string[]) => void): Promise<void> {
    const resolver = new dns.Resolver({ timeout: Math.max(500, Math.ceil(timeout / 3)), tries: 3 });
    this.#active.add(resolver);
    try {
      let some = false;
      let settled = false;
      const failures: unknown[] = [];
      const collect = (query: Promise<string[]>): Promise<unknown> =>
        query.then(
          (addresses) => {
            some ||= addresses.length > 0;
            if (!settled && addresses.length > 0) found(addresses);
          },
          (error: unknown) => failures.push(error),
        );
      await within(
        timeout,
        Promise.all([collect(resolver.resolve4(name)), collect(resolver.resolve6(name))]),
      );
      settled = true;
      if (!some) throw new Error(explain(name, failures, resolver.getServers(), timeout));
    } finally {
      resolver.cancel();
      this.#active.delete(resolver);
    }
  }

  /** Ends every resolution under way; each rejects. */
  close(): void {
    for (const resolver of this.#active) resolver.cancel();
  }
}

/** Resolves when the promise does, or after so many milliseconds. */
async function within(milliseconds: number, promise: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise((resolve) => {
    timer = setTimeout(resolve, Math.max(0, milliseconds));
  });
  await Promise.race([promise, limit]);
  clearTimeout(timer);
}

function explain(
  name: string,
  failures: readonly unknown[],
  servers: readonly string[],
  deadline: number,
): string {
  const codes = failures.map((error) => (error instanceof Error && 'code' in error ? error.code : undefined));
  const asked = `DNS server ${servers.join(', ')}`;
  // Either family's answer says that the name is known; what the servers said of it outweighs their silence.
  if (codes.includes(dns.NODATA)) return `${name} has no address (${asked})`;
  if (codes.includes(dns.NOTFOUND)) return `${name} does not exist (${asked})`;
  if (codes.includes(dns.CONNREFUSED)) return `${name} does not resolve: ${asked} is not reachable`;
  if (codes.includes(dns.SERVFAIL)) return `${name} does not resolve: ${asked} answers SERVFAIL`;
  if (codes.includes(dns.REFUSED)) return `${name} does not resolve: ${asked} refuses to answer`;
  const other = codes.find((code) => code !== dns.TIMEOUT && code !== dns.CANCELLED);
  if (other !== undefined) return `${name} does not resolve: ${asked}: ${other}`;
  return `${name} does not resolve: no answer from ${asked} within ${deadline / 1000} s`;
}
