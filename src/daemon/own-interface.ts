import { Backoff } from '../selector/backoff.js';
import { InterfaceGone, type Random, type Timers } from '../selector/world.js';
import { formatDuration, messageOf } from '../wording.js';
import type { KernelAccess, WatchedLink } from './kernel.js';
import type { KernelTunnel } from './kernel-tunnel.js';
import type { Log } from './log.js';
import { type Deed, type Making, OwnLink } from './own-link.js';

/** How long it is left alone after somebody has changed it, in milliseconds: longer while that goes on. */
const REST = { first: 200, longest: 30_000 };

/** Who has left it alone for so long, in milliseconds, is not at it any more. */
const PEACE = 300_000;

/** So many changes by others are told before there is peace. */
const TOLD = 5;

/** `mended`: somebody had changed it. */
type Outcome = 'done' | 'mended' | 'failed';

/** So often it is tried to leave nothing behind. */
const LAST_TRIES = 3;

/**
 * Makes an interface (`option create`), keeps it as it is configured, and removes it in the end.
 *
 * It works beside the selector, which sees what it always sees: an interface that comes, goes, or is down. The two meet at the mark of a
 * full tunnel alone.
 */
export class OwnInterface {
  readonly #name: string;
  readonly #link: OwnLink;
  readonly #log: Log;
  readonly #timers: Timers;
  readonly #onMark: () => void;
  readonly #rest: Backoff;
  /** How long it is left alone after the next change of it, in milliseconds. */
  #pause = REST.first;
  #wanted: Making | undefined;
  /** It was wished anew, and nothing was done for that yet. */
  #renewed = false;
  /** What is set next is our own wish, and nobody has changed it. */
  #wish = true;
  /** It was told that the interface is somebody else's. */
  #toldOfOthers = false;
  #trouble = '';
  /** Changes by others in a row. */
  #changes = 0;
  /** When it was last in need of anything, in monotonic milliseconds. */
  #needyAt = 0;
  #work: Promise<Outcome> | undefined;
  #cancel: (() => void) | undefined;
  #ended = false;

  /** @param onMark is called when the mark of WireGuard's own packets has changed */
  constructor(
    kernel: KernelAccess,
    watched: WatchedLink,
    tunnel: KernelTunnel,
    { log, timers, random }: { readonly log: Log; readonly timers: Timers; readonly random: Random },
    onMark: () => void,
  ) {
    this.#name = watched.name;
    this.#link = new OwnLink(kernel, watched, tunnel, timers);
    this.#log = log;
    this.#timers = timers;
    this.#onMark = onMark;
    this.#rest = new Backoff(random, 2 * REST.first, REST.longest);
    const look = (): void => this.#look();
    const addresses = (): void => {
      this.#link.addressesInDoubt();
      this.#look();
    };
    kernel.onAnyLink(look);
    watched.onChange(look);
    tunnel.onDevice(look);
    kernel.onRoutes({
      route: () => {},
      address: (index) => {
        if (index === watched.index) addresses();
      },
      lost: addresses,
    });
  }

  /**
   * Makes it, or takes over what a former run has made, or changes it to what another configuration wants. What fails is told, and tried again.
   * @param wanted undefined: from now on it is left alone
   */
  async become(wanted: Making | undefined): Promise<void> {
    this.#wanted = wanted;
    this.#renewed = true;
    await this.#keep();
  }

  /** Removes it, if it is ours. Never rejects. */
  async end(): Promise<void> {
    this.#ended = true;
    this.#cancel?.();
    await this.#work;
    if (this.#wanted === undefined) return;
    for (let tries = 1; ; tries++) {
      try {
        if (await this.#link.remove()) this.#tell('info', 'the interface is removed');
        return;
      } catch (error) {
        if (tries < LAST_TRIES) continue;
        this.#tell('error', messageOf(error));
        return;
      }
    }
  }

  /** Something may have happened to it. */
  #look(): void {
    const wanted = this.#wanted;
    if (wanted === undefined || this.#ended || this.#work !== undefined || this.#cancel !== undefined) return;
    if (this.#link.isOthers ? this.#toldOfOthers : this.#link.isLike(wanted)) return;
    this.#again();
  }

  /** Sees to it after a while. */
  #again(): void {
    if (this.#ended) return;
    const now = this.#timers.now();
    if (now - this.#needyAt > PEACE) this.#calm();
    this.#needyAt = now;
    this.#cancel = this.#timers.after(this.#pause, () => void this.#keep());
  }

  #calm(): void {
    this.#changes = 0;
    this.#rest.reset();
    this.#pause = REST.first;
  }

  /** One after the other: whoever comes meanwhile has a turn of their own. */
  async #keep(): Promise<void> {
    while (this.#work !== undefined) await this.#work;
    this.#cancel?.();
    this.#cancel = undefined;
    this.#work = this.#make();
    const outcome = await this.#work;
    this.#work = undefined;
    if (outcome === 'failed') this.#again();
    else this.#look();
    if (outcome === 'failed' || outcome === 'mended') this.#pause = this.#rest.next();
  }

  /** Never rejects. */
  async #make(): Promise<Outcome> {
    if (this.#wanted === undefined || this.#ended) return 'done';
    if (this.#renewed) {
      this.#renewed = false;
      this.#link.keyInDoubt(); // the file may hold another
      this.#link.addressesInDoubt();
      this.#wish = true;
      this.#toldOfOthers = false;
      this.#trouble = '';
    }
    try {
      const deed = await this.#link.make(this.#wanted);
      const wish = this.#wish;
      this.#wish = false;
      if (deed.others) this.#tellOfOthers();
      else this.#tellOf(deed, wish);
      if (deed.marked) this.#onMark();
      if (deed.fault !== undefined) throw deed.fault;
      this.#trouble = '';
      return !wish && (deed.made || deed.done.length > 0) ? 'mended' : 'done';
    } catch (error) {
      if (error instanceof InterfaceGone) return 'done';
      const text = messageOf(error);
      this.#tell(text === this.#trouble ? 'debug' : 'error', text);
      this.#trouble = text;
      return 'failed';
    }
  }

  #tellOf({ made, done }: Deed, wish: boolean): void {
    this.#toldOfOthers = false;
    if (!made && done.length === 0) return;
    const what = done.join(', ');
    if (wish) {
      this.#tell('info', `the interface is ${made ? 'made' : 'changed'}: ${what}`);
      return;
    }
    this.#changes++;
    const how = made ? 'deleted the interface, it is made again' : 'changed the interface, put back';
    this.#tell(this.#changes > TOLD ? 'debug' : 'info', `somebody had ${how}: ${what}`);
    if (this.#changes !== TOLD) return;
    const pause = formatDuration(REST.longest);
    const text = `somebody changes the interface again and again: it is put right after ${pause} at most, and that is not told any more`;
    this.#tell('warning', text);
  }

  #tellOfOthers(): void {
    if (this.#toldOfOthers) return;
    this.#toldOfOthers = true;
    const text = `somebody else has made ${this.#name}, so it is left as it is: expected no option create '1', or ip link delete ${this.#name}`;
    this.#tell('warning', text);
  }

  #tell(level: Parameters<Log['write']>[0], text: string): void {
    this.#log.write(level, this.#name, text);
  }
}
