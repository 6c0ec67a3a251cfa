import type { Answer, OpenLookups } from '../lookup.js';
import { native, READABLE } from './native.js';
import { systemError } from './system-error.js';

export type * from '../lookup.js';

/** The C library waits at least 1 s for an answer, in milliseconds. Sooner "try again" is not silence. */
const PATIENCE = 900;

/** Look-ups by getaddrinfo (lookup.c). They do not keep the process alive. */
export const openLookups: OpenLookups = () => {
  const lookups = native.openLookups();
  if (typeof lookups === 'number') throw systemError(lookups, 'look up names');
  const underWay = new Map<number, (answer: Answer) => void>();
  let latest = 0;
  let open = true;
  const watch = native.watch(lookups.descriptor, () => {
    for (const [id, failure, addresses] of lookups.take()) {
      const done = underWay.get(id);
      underWay.delete(id);
      done?.({ failure, addresses });
      if (!open) break;
    }
    return false;
  });
  watch.want(READABLE);
  watch.setRef(false);
  return {
    start(name, family, milliseconds, done) {
      const id = ++latest;
      const begin = native.monotonic();
      const error = lookups.start(id, name, family, milliseconds);
      if (error === 0) {
        underWay.set(id, ({ failure, addresses }) => {
          const silence = failure === 'AGAIN' && native.monotonic() - begin > PATIENCE;
          done({ failure: silence ? 'TIMEOUT' : failure, addresses });
        });
      } else {
        const failure = native.errnoName(-error) ?? `E${-error}`;
        native.queueMicrotask(() => done({ failure, addresses: [] }));
      }
    },
    close() {
      if (!open) return;
      open = false;
      underWay.clear();
      watch.stop();
      lookups.close();
    },
  };
};
