import {
  IPV6_DEFAULT_METRIC,
  type Repeated,
  ROUTE_PROTOCOL,
  ROUTE_TABLE_MAIN,
  type Route,
  type RouteSpec,
} from '../netlink/index.js';
import type { RoutePlace } from '../selector/world.js';
import type { KernelAccess } from './kernel.js';

/** Up to so many routes are looked at one by one; more are cheaper read all at once, with everybody's in the table. */
const ONE_BY_ONE = 16;

/** A route of ours. Every field that tells our routes apart is set. */
export type OurRoute = RouteSpec & {
  readonly interfaceIndex: number;
  readonly table: number;
  readonly metric: number;
};

/** How a route of ours is asked for, and the answer that has confirmed it. */
export interface Confirmed {
  readonly question: Repeated<Route>;
  readonly answer: Route;
}

/** What the kernel has of our routes through one interface. */
export class OwnRoutes {
  readonly #kernel: KernelAccess;
  /** How each of them is asked for, by their keys. */
  readonly #questions = new Map<string, Repeated<Route>>();

  constructor(kernel: KernelAccess) {
    this.#kernel = kernel;
  }

  /** Reads them, by their keys. */
  async read(interfaceIndex: number): Promise<Map<string, OurRoute>> {
    this.#questions.clear();
    const routes = await this.#kernel.rtnetlink.routes({ protocol: ROUTE_PROTOCOL, interfaceIndex });
    return new Map(
      routes.map(({ destination, table, metric }) => {
        const route = { destination, interfaceIndex, table, metric };
        return [keyOf(route), route];
      }),
    );
  }

  /**
   * Whether all of them are there. Each is asked for by an address in it, among the routes through this interface alone; a
   * question costs the same however many routes others have. A table that no rule leads to cannot be asked in this way.
   *
   * @param led the table besides the main one that rules of ours lead to, if there is one
   * @returns the answers, or undefined when it is not so
   */
  async confirm(
    routes: ReadonlyMap<string, OurRoute>,
    led?: number,
  ): Promise<readonly Confirmed[] | undefined> {
    if (routes.size > ONE_BY_ONE) return undefined;
    const confirmed: Confirmed[] = [];
    for (const [key, route] of routes) {
      if (route.table !== ROUTE_TABLE_MAIN && route.table !== led) return undefined;
      const question = this.#question(key, route);
      const answer = await question.ask().catch(() => undefined);
      if (answer === undefined || answer.protocol !== ROUTE_PROTOCOL) return undefined;
      if (answer.interfaceIndex !== route.interfaceIndex || keyOf(answer) !== key) return undefined;
      confirmed.push({ question, answer });
    }
    return confirmed;
  }

  #question(key: string, { destination, interfaceIndex }: OurRoute): Repeated<Route> {
    let question = this.#questions.get(key);
    if (question === undefined) {
      const address = addressIn(destination);
      question = this.#kernel.rtnetlink.repeatedLookup(address, { interfaceIndex, fibMatch: true });
      this.#questions.set(key, question);
    }
    return question;
  }
}

/** Asks again. Whether all answers are those that {@link OwnRoutes.confirm} gave; when in doubt they are not. */
export function stillConfirmed(routes: readonly Confirmed[]): boolean {
  for (const { question, answer } of routes) if (question.again() !== answer) return false;
  return true;
}

/** An address of a prefix to ask the kernel for: 0.0.0.0 would stand for the machine itself. */
function addressIn(destination: string): string {
  const [address = '', length] = destination.split('/');
  return address === '0.0.0.0' && Number(length) < 8 ? '1.0.0.0' : address;
}

/** The route to a destination as we install it. */
export function ourRoute(destination: string, interfaceIndex: number, place: RoutePlace): OurRoute {
  const { table = ROUTE_TABLE_MAIN, shared } = place;
  const metric = shared?.get(destination) ?? metricOf(destination, place.metric);
  return { destination, interfaceIndex, table, metric };
}

/** The metric that a route has in the kernel. @param metric as configured; IPv6 takes 0 for none */
export function metricOf(destination: string, metric: number | undefined): number {
  return destination.includes(':') ? metric || IPV6_DEFAULT_METRIC : (metric ?? 0);
}

/** What tells the routes through one interface apart, and says which of them stand in each other's way. */
export function keyOf({
  destination,
  table,
  metric,
}: Pick<OurRoute, 'destination' | 'table' | 'metric'>): string {
  return `${destination} table ${table} metric ${metric}`;
}
