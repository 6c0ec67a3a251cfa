/** What the daemon shows of itself: in its log, and in the kernel. */
import type { Daemon } from './daemon.js';
import type { Router } from './router.js';

/** The daemon's number for routes (`rtm_protocol`), as docs/architecture.md has it; not taken from the code under test. */
export const ourProtocol = 87;

/** The line that tells of a connection; its first group is the peer. */
export const connected = /info \S+ (\S+): connected to /;

/** Waits for the next connection. @returns the peer's name */
export async function nextConnection(daemon: Daemon): Promise<string> {
  return connected.exec((await daemon.line(connected)).text)?.[1] ?? '';
}

/** The destinations of the daemon's routes through `vpn`, sorted. */
export async function ourRoutes({ router }: { readonly router: Router }): Promise<string[]> {
  const routes = await router.routes({ dev: 'vpn' });
  return routes
    .filter(({ protocol }) => protocol === ourProtocol)
    .map(({ dst }) => dst)
    .sort();
}
