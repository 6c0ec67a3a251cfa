import type { OpenLookups } from '../lookup.js';
import { LookupsUnderWay } from '../lookups-under-way.js';
import { systemError } from '../system-error.js';
import { native, READABLE } from './native.js';

export type * from '../lookup.js';

/** Look-ups by getaddrinfo (lookup.c). They do not keep the process alive. */
export const openLookups: OpenLookups = () => {
  const lookups = native.openLookups();
  if (typeof lookups === 'number') throw systemError(lookups, 'look up names');
  const underWay = new LookupsUnderWay();
  let open = true;
  const watch = native.watch(lookups.descriptor, () => {
    for (const [id, failure, addresses] of lookups.take()) {
      underWay.finish(id, failure, addresses);
      if (!open) break;
    }
    return false;
  });
  watch.want(READABLE);
  watch.setRef(false);
  return {
    start(name, family, milliseconds, done) {
      underWay.start((id) => lookups.start(id, name, family, milliseconds), done);
    },
    close() {
      if (!open) return;
      open = false;
      underWay.forget();
      watch.stop();
      lookups.close();
    },
  };
};
