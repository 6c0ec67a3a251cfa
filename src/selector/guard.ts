import { Destinations } from './destinations.js';
import type { Assignment, Family, Settings, World } from './world.js';

const NOTHING: readonly string[] = [];
const NO_FAMILY: readonly Family[] = [];

/** What holds with and without a connection: what is led into our table, and what may not leave by another way. */
export class Guard {
  readonly #world: World;
  readonly #destinations = new Destinations();
  /** Whether routes of ours may refuse packets: those of a former run, too. */
  #blocks = true;
  /** Whether anything of a full tunnel may be there: of a former run, too. */
  #leads = true;

  constructor(world: World) {
    this.#world = world;
  }

  /** Makes it so, whatever the interface's mark is now. */
  async prepare(assignment: Assignment): Promise<void> {
    const { tunnel } = this.#world;
    if (assignment.settings.fullTunnel && tunnel.link === 'up') await tunnel.device(); // its mark may be another now
    await this.keep(assignment);
  }

  /** Whether there is anything to {@link keep}. */
  has({ blockWhenLost, fullTunnel }: Settings): boolean {
    return blockWhenLost || this.#blocks || fullTunnel || this.#leads;
  }

  /** Makes it so. What refuses packets comes first: with rules that lead to an empty table, they would go on to the main one. */
  async keep({ peers, settings }: Assignment): Promise<void> {
    const { routing } = this.#world;
    await routing.block(settings.blockWhenLost ? this.#destinations.of(peers) : NOTHING, settings.routes);
    this.#blocks = settings.blockWhenLost;
    if (!settings.fullTunnel && !this.#leads) return;
    const families = settings.fullTunnel ? this.#destinations.familiesOf(peers) : NO_FAMILY;
    await routing.lead(families, settings.routes);
    // The mark of an interface that is away, perhaps under another name, is taken back when it is there again.
    this.#leads = settings.fullTunnel || this.#world.tunnel.link === 'absent';
  }

  /** The steps by which all of it goes, whatever is known of it. */
  removal({ routes }: Settings): (() => Promise<void>)[] {
    const { routing } = this.#world;
    return [() => routing.block([], routes), () => routing.lead(NO_FAMILY, routes)];
  }
}
