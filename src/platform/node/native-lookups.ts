import type { Lookups } from '../lookup.js';
import { LookupsUnderWay } from '../lookups-under-way.js';
import { addon } from './addon.js';

/**
 * Look-ups by getaddrinfo (native/lookup.c): whatever the system resolves for other programs, it resolves for us.
 *
 * @returns undefined when that was not built
 */
export function openNativeLookups(): Lookups | undefined {
  const native = addon();
  if (native === undefined) return undefined;
  const underWay = new LookupsUnderWay();
  const lookups = new native.Lookups((id, failure, addresses) => underWay.finish(id, failure, addresses));
  return {
    start(name, family, milliseconds, done) {
      underWay.start((id) => lookups.start(id, name, family, milliseconds), done);
    },
    close() {
      underWay.forget();
      lookups.close();
    },
  };
}
