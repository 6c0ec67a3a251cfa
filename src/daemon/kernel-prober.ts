import type { OpenProbe, Probe, ProbeKind } from '#platform/probe.js';
import type { InterfaceAddress } from '../netlink/index.js';
import type { Peer, Prober } from '../selector/world.js';
import { isLinkLocal } from '../special-address.js';
import { messageOf } from '../wording.js';
import type { KernelAccess, WatchedLink } from './kernel.js';
import { probeTargets } from './probe-targets.js';

/** Probes through one interface, bound to it, from an address of its own. */
export class KernelProber implements Prober {
  readonly #kernel: KernelAccess;
  readonly #watched: WatchedLink;
  readonly #wish: () => string | undefined;
  readonly #openProbe: OpenProbe;
  /** What is open of each kind, and the targets that it was opened for. */
  readonly #open = new Map<ProbeKind, { readonly targets: string; readonly probe: Probe }>();
  /** Those of the peer that was probed last: working them out costs as much as several looks. */
  #targets: { readonly of: readonly string[]; readonly list: readonly string[] } | undefined;

  /** @param wish the address that probes are to go to, where there is one */
  constructor(
    kernel: KernelAccess,
    watched: WatchedLink,
    openProbe: OpenProbe,
    wish: () => string | undefined,
  ) {
    this.#kernel = kernel;
    this.#watched = watched;
    this.#openProbe = openProbe;
    this.#wish = wish;
    const close = (): void => this.close();
    kernel.onRoutes({
      route: () => {},
      address: (interfaceIndex) => {
        if (interfaceIndex === watched.index) close(); // it may be the one that probes come from
      },
      lost: close,
    });
    watched.onChange(close);
  }

  async send(peer: Peer): Promise<string | undefined> {
    const wish = this.#wish();
    return await this.#ask('datagram', wish === undefined ? this.#targetsOf(peer) : [wish]);
  }

  #targetsOf({ allowedIps }: Peer): readonly string[] {
    if (this.#targets?.of !== allowedIps) this.#targets = { of: allowedIps, list: probeTargets(allowedIps) };
    return this.#targets.list;
  }

  answered(): boolean {
    return this.#open.get('datagram')?.probe.answered() ?? false;
  }

  async echo(address: string): Promise<string | undefined> {
    const reason = await this.#ask('echo', [address]);
    return reason && `${address} cannot be asked for an echo: ${reason}`;
  }

  echoed(): boolean {
    return this.#open.get('echo')?.probe.answered() ?? false;
  }

  close(): void {
    for (const { probe } of this.#open.values()) probe.close();
    this.#open.clear();
  }

  /** Sends one of this kind to one of the targets, and always to the same as long as that can be. @returns why it cannot */
  async #ask(kind: ProbeKind, targets: readonly string[]): Promise<string | undefined> {
    const before = this.#open.get(kind);
    if (before?.targets === targets.join() && sends(before.probe)) return undefined;
    before?.probe.close();
    this.#open.delete(kind);
    const found = await this.#find(kind, targets);
    if (typeof found === 'string') return found;
    this.#open.set(kind, { targets: targets.join(), probe: found });
    return undefined;
  }

  /** Opens a probe to the first target that the kernel lets one get to, and sends it. @returns why there is none */
  async #find(kind: ProbeKind, targets: readonly string[]): Promise<Probe | string> {
    const interfaceIndex = this.#watched.index;
    if (interfaceIndex === undefined) return 'there is no such interface';
    const device = this.#watched.name;
    const own = await this.#kernel.rtnetlink.addresses({ interfaceIndex });
    let reason = targets.length === 0 ? 'it has no allowed IPs' : `${device} has no address for it`;
    for (const target of targets) {
      const source = sourceFor(target, own);
      if (source === undefined) continue;
      let probe: Probe | undefined;
      try {
        probe = this.#openProbe(kind, {
          device,
          source: zoned(source, device),
          target: zoned(target, device),
        });
        probe.send();
        return probe;
      } catch (error) {
        probe?.close();
        reason = messageOf(error);
      }
    }
    return reason;
  }
}

/** Whether the kernel takes one more: the interface or its address may have changed since the socket was opened. */
function sends(probe: Probe): boolean {
  try {
    probe.send();
    return true;
  } catch {
    return false;
  }
}

/** An address of ours of the target's family, and if possible of its scope; none where the target itself is ours. */
function sourceFor(target: string, own: readonly InterfaceAddress[]): string | undefined {
  if (own.some(({ address }) => address === target)) return undefined;
  const family = target.includes(':') ? 6 : 4;
  const usable = own.filter((address) => address.family === family && !address.tentative);
  const linkLocal = isLinkLocal(target);
  const fitting = usable.filter(({ address }) => isLinkLocal(address) === linkLocal);
  return (fitting.find(({ deprecated }) => !deprecated) ?? fitting[0] ?? usable[0])?.address;
}

function zoned(address: string, device: string): string {
  return address.includes(':') && isLinkLocal(address) ? `${address}%${device}` : address;
}
