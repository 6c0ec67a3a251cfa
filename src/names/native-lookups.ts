import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { getSystemErrorName } from 'node:util';
import type { Answer, Failure, Family, Lookups } from './lookup.js';

/** The class of lookup.c. */
interface Binding {
  /** @returns 0 or an error number */
  start(id: number, name: string, family: Family, milliseconds: number): number;
  close(): void;
}
type BindingClass = new (
  finished: (id: number, failure: Failure | undefined, addresses: readonly string[]) => void,
) => Binding;

/** The C library waits at least 1 s for an answer, in milliseconds. Sooner "try again" is not silence. */
const PATIENCE = 900;

/** Where name-lookup.node is looked for: next to the file that runs (a bundle), then in dist/native. */
const PLACES = ['./name-lookup.node', '../../native/name-lookup.node'];

/** Null: it was looked for in vain. */
let binding: BindingClass | null | undefined;

/** Loads the addon, the first time it is needed. One that cannot be loaded is as good as none, but not silently so. */
function load(): BindingClass | null {
  if (binding !== undefined) return binding;
  binding = null;
  for (const place of PLACES) {
    const path = fileURLToPath(new URL(place, import.meta.url));
    if (!existsSync(path)) continue;
    const module: { exports: { Lookups?: BindingClass } } = { exports: {} };
    try {
      process.dlopen(module, path);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      process.emitWarning(`${path} cannot be loaded, nsswitch.conf does not count: ${reason}`);
      continue;
    }
    binding = module.exports.Lookups ?? null;
    break;
  }
  return binding;
}

/**
 * Look-ups by getaddrinfo (lookup.c): whatever the system resolves for other programs, it resolves for us.
 *
 * @returns undefined when that was not built
 */
export function openNativeLookups(): Lookups | undefined {
  const Native = load();
  if (Native === null) return undefined;
  const underWay = new Map<number, (answer: Answer) => void>();
  let latest = 0;
  const native = new Native((id, failure, addresses) => {
    const done = underWay.get(id);
    underWay.delete(id);
    done?.({ failure, addresses });
  });
  return {
    start(name, family, milliseconds, done) {
      const id = ++latest;
      const begin = performance.now();
      const errno = native.start(id, name, family, milliseconds);
      if (errno === 0) {
        underWay.set(id, ({ failure, addresses }) => {
          const silence = failure === 'AGAIN' && performance.now() - begin > PATIENCE;
          done({ failure: silence ? 'TIMEOUT' : failure, addresses });
        });
      } else process.nextTick(done, { failure: getSystemErrorName(-errno), addresses: [] });
    },
    close() {
      underWay.clear();
      native.close();
    },
  };
}
