import { getSystemErrorName } from 'node:util';
import type { Answer, Lookups } from '../lookup.js';
import { addon } from './addon.js';

/** The C library waits at least 1 s for an answer, in milliseconds. Sooner "try again" is not silence. */
const PATIENCE = 900;

/**
 * Look-ups by getaddrinfo (native/lookup.c): whatever the system resolves for other programs, it resolves for us.
 *
 * @returns undefined when that was not built
 */
export function openNativeLookups(): Lookups | undefined {
  const native = addon();
  if (native === undefined) return undefined;
  const underWay = new Map<number, (answer: Answer) => void>();
  let latest = 0;
  const lookups = new native.Lookups((id, failure, addresses) => {
    const done = underWay.get(id);
    underWay.delete(id);
    done?.({ failure, addresses });
  });
  return {
    start(name, family, milliseconds, done) {
      const id = ++latest;
      const begin = performance.now();
      const errno = lookups.start(id, name, family, milliseconds);
      if (errno === 0) {
        underWay.set(id, ({ failure, addresses }) => {
          const silence = failure === 'AGAIN' && performance.now() - begin > PATIENCE;
          done({ failure: silence ? 'TIMEOUT' : failure, addresses });
        });
      } else process.nextTick(done, { failure: getSystemErrorName(-errno), addresses: [] });
    },
    close() {
      underWay.clear();
      lookups.close();
    },
  };
}
