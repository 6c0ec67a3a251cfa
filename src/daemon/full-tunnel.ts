import { FULL_TUNNEL } from '../config/index.js';
import { type Family, InterfaceGone } from '../selector/world.js';
import type { KernelAccess } from './kernel.js';
import type { KernelTunnel } from './kernel-tunnel.js';
import { type Lead, RulesOfOurs } from './rules-of-ours.js';

/**
 * What makes the routes of our table count (`option full_tunnel`), as wg-quick does it: rules that lead into it whatever has not the mark of
 * WireGuard's own packets, and that mark.
 *
 * The mark of an interface that has one is used, and stays. One that has none gets ours, whose number tells whose it is: it is taken away in the
 * end, also by a process that has not set it.
 */
export class FullTunnel {
  readonly #tunnel: KernelTunnel;
  readonly #rules: RulesOfOurs;

  /** @param onGone is called when somebody has taken a rule of ours away */
  constructor(kernel: KernelAccess, ifname: string, tunnel: KernelTunnel, onGone: () => void) {
    this.#tunnel = tunnel;
    this.#rules = new RulesOfOurs(kernel, ifname, onGone);
  }

  /** What is led into which table, as far as it is known to be so; undefined where nothing is. */
  get led(): Lead | undefined {
    const { kept } = this.#rules;
    return kept !== undefined && kept.families.length > 0 ? kept : undefined;
  }

  /**
   * Makes it so for these families, and takes everything of it back where there are none. The same again costs nothing.
   *
   * @throws {NetlinkError} what the kernel refuses
   * @throws {InterfaceGone}
   */
  async keep(families: readonly Family[], table: number): Promise<void> {
    const tunnel = this.#tunnel;
    const usable = tunnel.link === 'up';
    // The mark comes before the rules and goes after them, or WireGuard's own packets would be led into the tunnel.
    if (usable && families.length > 0 && tunnel.fwmark === 0) await tunnel.mark(FULL_TUNNEL);
    await this.#rules.keep({ families, table, mark: tunnel.fwmark || FULL_TUNNEL });
    if (families.length === 0) await this.#takeMarkBack();
  }

  async #takeMarkBack(): Promise<void> {
    const tunnel = this.#tunnel;
    if (tunnel.link === 'absent') return;
    await tunnel.device();
    if (tunnel.fwmark !== FULL_TUNNEL) return;
    await tunnel.mark(0).catch((error: unknown) => {
      if (!(error instanceof InterfaceGone)) throw error; // and its mark with it
    });
  }

  /** Why nothing to this destination can be led into the table; undefined where it is. */
  refusal(destination: string): string | undefined {
    return this.#rules.refusal(destination.includes(':') ? 6 : 4);
  }
}
