import { ROUTE_PROTOCOL, type Route, type RouteSpec, RTN_UNREACHABLE } from '../netlink/index.js';
import type { KernelAccess } from './kernel.js';
import { isErrno } from './kernel-tunnel.js';
import { hashOfName } from './name-hash.js';

/**
 * Metrics of our routes that refuse packets: above every other that somebody is likely to use, and by the last 16 bits each interface's own,
 * because such a route has no interface to tell whose it is.
 */
const METRIC = 0xf000_0000;

/**
 * The routes of one interface that refuse packets (type unreachable), so that nothing that is meant for the tunnel leaves by another way
 * while there is no connection: every other route with the same destination is better.
 */
export class Blockade {
  readonly #kernel: KernelAccess;
  readonly #metric: number;
  /** What is known to be in the kernel; `undefined` when it has to be read. */
  #kept: { readonly destinations: readonly string[]; readonly table: number } | undefined;

  constructor(kernel: KernelAccess, ifname: string) {
    this.#kernel = kernel;
    this.#metric = METRIC + hashOfName(ifname);
    kernel.onRoutes({
      route: (change, route) => {
        if (change === 'gone' && this.#isOurs(route)) this.#kept = undefined;
      },
      address: () => {},
      lost: () => {
        this.#kept = undefined;
      },
    });
  }

  /**
   * Makes them exactly these. The same list again costs nothing.
   * @throws {NetlinkError} what the kernel refuses
   */
  async keep(destinations: readonly string[], table: number): Promise<void> {
    if (this.#kept?.destinations === destinations && this.#kept.table === table) return;
    this.#kept = undefined; // nothing is known until all of it is done
    let asRead = await this.#make(destinations, table);
    // Where none is wanted there may be no next time.
    if (!asRead && destinations.length === 0) asRead = await this.#make(destinations, table);
    if (asRead) this.#kept = { destinations, table };
  }

  /** @returns whether the kernel had what was read of it: else it has to be read once more, the next time */
  async #make(destinations: readonly string[], table: number): Promise<boolean> {
    let asRead = true;
    const unless = (code: string) => (error: unknown) => {
      if (!isErrno(error, code)) throw error;
      asRead = false; // it is as it should be, but that is not what was read
    };
    const { rtnetlink } = this.#kernel;
    const missing = new Set(destinations);
    for (const route of await rtnetlink.routes({ protocol: ROUTE_PROTOCOL })) {
      if (!this.#isOurs(route) || (route.table === table && missing.delete(route.destination))) continue;
      await rtnetlink.removeRoute(this.#route(route.destination, route.table)).catch(unless('ESRCH'));
    }
    for (const destination of missing) {
      await rtnetlink.addRoute(this.#route(destination, table)).catch(unless('EEXIST'));
    }
    return asRead;
  }

  #isOurs({ protocol, type, metric }: Route): boolean {
    return protocol === ROUTE_PROTOCOL && type === RTN_UNREACHABLE && metric === this.#metric;
  }

  #route(destination: string, table: number): RouteSpec {
    return { destination, table, metric: this.#metric, type: RTN_UNREACHABLE };
  }
}
