import { isIP } from '#platform/text.js';
import type { Rejection } from './outcome.js';
import type { Target } from './question.js';
import type { Server } from './report.js';
import { canonicalAddress, isServerAddress } from './server.js';
import type { NameResolver, World } from './world.js';

/** Addresses taken from one DNS answer. Pools give four; whoever gives hundreds shall not make us send hundreds. */
const MAX_ADDRESSES = 16;

/** Milliseconds until a name is tried again that DNS could not say anything about. */
const DNS_RETRY = 1000;

/** Whom a look-up tells. */
export interface Finding {
  /** An address of the server. */
  found(target: Target): void;
  rejected(rejection: Rejection): void;
  /** What is looked for has been found, or is not to be. */
  over(): void;
}

/** Finds the addresses of servers that are configured by name, of both families at once, for as long as it takes. */
export class ServerNames {
  readonly #world: Pick<World, 'openResolver' | 'setTimer'>;
  readonly #cancelRetries = new Set<() => void>();
  #resolver: NameResolver | undefined;
  #stopped = false;

  constructor(world: Pick<World, 'openResolver' | 'setTimer'>) {
    this.#world = world;
  }

  /** Looks for a server's addresses; its `looking` and `dnsErrors` tell how it stands. */
  find(server: Server, host: string, port: number, finding: Finding): void {
    server.looking = 2;
    for (const family of [4, 6] as const) this.#lookUp(server, host, port, family, finding);
  }

  /** Nobody is told any more. */
  stop(): void {
    this.#stopped = true;
    for (const cancel of this.#cancelRetries) cancel();
    this.#resolver?.cancel();
  }

  #lookUp(server: Server, host: string, port: number, family: 4 | 6, finding: Finding): void {
    this.#resolver ??= this.#world.openResolver();
    const answer = family === 4 ? this.#resolver.resolve4(host) : this.#resolver.resolve6(host);
    const fault = (detail: string, isTold: boolean): void => {
      server.dnsErrors.set(family, detail);
      if (isTold) finding.rejected({ server: server.text, reason: 'dns', detail });
    };
    answer.then(
      (addresses) => {
        if (this.#stopped) return;
        server.looking -= 1;
        server.dnsErrors.delete(family);
        const usable = addresses.map(canonicalAddress).filter(isServerAddress);
        if (usable.length === 0)
          fault(`DNS says ${addresses.join(', ')}, which is no server's address`, true);
        for (const address of usable.slice(0, MAX_ADDRESSES))
          finding.found({ address, family: isIP(address) === 6 ? 6 : 4, port });
        finding.over();
      },
      (error: Error & { readonly code?: string }) => {
        if (this.#stopped) return;
        const code = error.code ?? error.message;
        const detail = `DNS says ${code} for its IPv${family} address`;
        // Most names lack one family. That is no fault as long as there is the other.
        if (server.dnsErrors.get(family) !== detail) fault(detail, code !== 'ENODATA');
        if (code === 'ENODATA' || code === 'ENOTFOUND') {
          server.looking -= 1;
          finding.over();
          return;
        }
        // No DNS yet, as at boot. The name may resolve in a moment.
        const cancel = this.#world.setTimer(DNS_RETRY, () => {
          this.#cancelRetries.delete(cancel);
          this.#lookUp(server, host, port, family, finding);
        });
        this.#cancelRetries.add(cancel);
      },
    );
  }
}
