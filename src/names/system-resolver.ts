import { type Failure, type Lookups, openLookups } from '#platform/lookup.js';
import { readResolvConf } from '#platform/resolv-conf.js';
import { clearTimeout, setTimeout } from '#platform/timers.js';
import { LookupQueue } from './queue.js';

/**
 * Resolves names as the system does for every other program: /etc/hosts, /etc/resolv.conf and its search list, and what
 * nsswitch.conf names besides. Each look-up sees these files as they are at that moment.
 *
 * Both families are asked at once and apart, because one question for both waits for the slower. However many names are
 * to be resolved, few are under way at once.
 */
export class SystemResolver {
  readonly #open: () => Lookups;
  readonly #underWay = new Set<() => void>();
  #queue: LookupQueue | undefined;
  #closed = false;

  /** @param open how names are looked up; tests give another */
  constructor(open: () => Lookups = openLookups) {
    this.#open = open;
  }

  /**
   * Resolves one name.
   *
   * @param timeout milliseconds after which the promise is settled at the latest
   * @param found called with the addresses of a family when they are there, at most once for each, never after the promise has
   *   settled. Addresses are without zone
   * @throws Error when nothing was found, or after {@link close}; the message says of which name, and which server's answer or silence
   */
  resolve(name: string, timeout: number, found: (addresses: readonly string[]) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#closed)
        return reject(new Error(`${name} is not looked up any more: the resolver was closed`));
      this.#queue ??= new LookupQueue(this.#open());
      const failures: Failure[] = [];
      let some = false;
      let open = 2;
      const end = (silence?: string): void => {
        clearTimeout(timer);
        this.#underWay.delete(close);
        const begun = giveUp.map((each) => each()).includes(true);
        if (some) resolve();
        else if (silence !== undefined) reject(new Error(silence));
        else {
          if (open > 0) failures.push(begun ? 'SILENT' : 'QUEUED');
          reject(new Error(explain(name, failures, timeout)));
        }
      };
      const close = (): void => end(`the look-up of ${name} was given up`);
      const timer = setTimeout(end, timeout);
      this.#underWay.add(close);
      const queue = this.#queue;
      const giveUp = ([4, 6] as const).map((family) =>
        queue.add(name, family, timeout, ({ addresses, failure }) => {
          open--;
          if (addresses.length > 0) {
            some = true;
            found(addresses);
          } else failures.push(failure ?? 'NODATA');
          if (open === 0) end();
        }),
      );
    });
  }

  /** As {@link resolve}, with all addresses together at the end. */
  async addresses(name: string, timeout: number): Promise<readonly string[]> {
    const all: string[] = [];
    await this.resolve(name, timeout, (addresses) => all.push(...addresses));
    return all;
  }

  /** Ends every resolution under way, at once; each rejects unless it has found something. */
  close(): void {
    this.#closed = true;
    for (const close of [...this.#underWay]) close();
    this.#queue?.close();
  }
}

/** @param timeout milliseconds */
function explain(name: string, failures: readonly Failure[], timeout: number): string {
  const { servers } = readResolvConf();
  // Without one, the C libraries ask the machine itself (resolv.conf(5)).
  const asked =
    servers.length > 0
      ? `DNS server ${servers.join(', ')}`
      : 'DNS server 127.0.0.1 (/etc/resolv.conf names none)';
  const failed = (what: string): string => `${name} does not resolve: ${what}`;
  // Either family's answer says that the name is known; what the servers said of it outweighs their silence.
  if (failures.includes('NODATA')) return `${name} has no address (${asked})`;
  if (failures.includes('NONAME')) return `${name} does not exist (${asked})`;
  if (failures.includes('REFUSED')) return failed(`${asked} is not reachable`);
  if (failures.includes('AGAIN'))
    return failed(`${asked} is not reachable, or cannot answer now (SERVFAIL, say)`);
  const silent = `no answer from ${asked} within ${timeout / 1000} s`;
  if (failures.includes('SILENT') || failures.includes('TIMEOUT')) return failed(silent);
  if (failures.includes('QUEUED')) return failed(`${silent}, to other names before it`);
  return failed(`${asked}: ${failures[0]}`);
}
