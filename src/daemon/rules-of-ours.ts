import {
  FR_ACT_TO_TBL,
  NetlinkError,
  ROUTE_PROTOCOL,
  ROUTE_TABLE_MAIN,
  type Rule,
  type RuleSpec,
} from '../netlink/index.js';
import type { Family } from '../selector/world.js';
import type { KernelAccess } from './kernel.js';
import { isErrno } from './kernel-tunnel.js';
import { hashOfName } from './name-hash.js';

/**
 * Priorities of our rules: before the main table (32766) and behind what routers' policies have (pbr and mwan3 stay below 30001). By the last
 * 8 bits each interface has its own, because a rule has no interface to tell whose it is; two that have the same put each other's back.
 */
const PRIORITY = { local: 32_000, tunnel: 32_256 };
const SLOTS = 256;

/** What our rules say: packets of these families, but for those with the mark, look for their route in the table. */
export interface Lead {
  readonly families: readonly Family[];
  /** 1 to 4294967295. */
  readonly table: number;
  /** 1 to 4294967295. */
  readonly mark: number;
}

/**
 * The rules of one interface, two for each family. The first lets the main table answer but by its default route, so that local networks stay
 * where they are; the second leads everything else into our table, but for WireGuard's own packets.
 */
export class RulesOfOurs {
  readonly #kernel: KernelAccess;
  readonly #slot: number;
  /** What is known to be in the kernel; `undefined` when it has to be read. */
  #kept: Lead | undefined;
  #wanted: ReadonlySet<string> = new Set();
  /** Keys of rules that this process may have put there. */
  readonly #made = new Set<string>();
  /** Whether what a former run has left was looked for. */
  #lookedBack = false;
  /** Counts what was heard of our rules: a list that was asked for before the latest of it may be older. */
  #heard = 0;
  readonly #refusals = new Map<Family, string>();

  /** @param onGone is called when somebody has taken a rule of ours away */
  constructor(kernel: KernelAccess, ifname: string, onGone: () => void) {
    this.#kernel = kernel;
    this.#slot = hashOfName(ifname) % SLOTS;
    kernel.onRoutes({
      route: () => {},
      address: () => {},
      rule: (change, rule) => {
        if (change === 'new' || !this.#isOurs(rule) || !this.#wanted.has(keyOf(rule))) return;
        this.#doubt();
        onGone();
      },
      lost: () => this.#doubt(),
    });
  }

  /** What the rules say that are known to be in the kernel. */
  get kept(): Lead | undefined {
    return this.#kept;
  }

  /** Why this kernel can have no rules of a family that is wanted; undefined where it has them. */
  refusal(family: Family): string | undefined {
    return this.#refusals.get(family);
  }

  /**
   * Makes them exactly these, those of a former run included; without families there are none. The same again costs nothing. A kernel
   * without rules is no error: see {@link refusal}.
   *
   * @throws {NetlinkError} what else the kernel refuses
   */
  async keep(lead: Lead): Promise<void> {
    if (this.#kept !== undefined && isSame(this.#kept, lead)) return;
    this.#kept = undefined; // nothing is known until all of it is done
    this.#refusals.clear();
    const heard = this.#heard;
    const wanted = lead.families.flatMap((family) => this.#rules(family, lead));
    this.#wanted = new Set(wanted.map(keyOf));
    let asRead = true;
    for (const family of [4, 6] as const) {
      const ofFamily = wanted.filter((rule) => rule.family === family);
      let settled = await this.#keepFamily(family, ofFamily);
      // Where none is wanted there may be no next time.
      if (!settled && ofFamily.length === 0) settled = await this.#keepFamily(family, ofFamily);
      asRead &&= settled;
    }
    this.#lookedBack = true;
    if (asRead && heard === this.#heard) this.#kept = lead;
  }

  /** @returns whether the kernel had what was read of it: else it has to be read once more, the next time */
  async #keepFamily(family: Family, wanted: readonly RuleSpec[]): Promise<boolean> {
    // Nothing of ours can be there.
    if (wanted.length === 0 && this.#lookedBack && this.#made.size === 0) return true;
    const { rtnetlink } = this.#kernel;
    let asRead = true;
    try {
      const there = new Map<string, Rule>();
      const rules = await rtnetlink.rules({ family });
      const makersAreTold = rules.some(({ protocol }) => protocol !== 0);
      for (const rule of rules) if (this.#isOurs(rule, makersAreTold)) there.set(keyOf(rule), rule);
      for (const rule of wanted) {
        this.#made.add(keyOf(rule)); // before the request: it may be done although its answer is lost
        if (there.delete(keyOf(rule))) continue;
        await rtnetlink.addRule(rule).catch(unless('EEXIST'));
      }
      // The last first: without the first one, local networks would be led into the tunnel.
      for (const [key, rule] of [...there].reverse()) {
        if (this.#lookedBack && !this.#made.has(key)) continue; // of an interface that has our priority
        await rtnetlink.removeRule(specOf(rule)).catch(unless('ENOENT'));
      }
      if (asRead) this.#forget(family);
    } catch (error) {
      if (!isUnsupported(error)) throw error;
      for (const rule of wanted) this.#made.delete(keyOf(rule));
      if (wanted.length > 0) this.#refusals.set(family, whyUnsupported(family, error));
    }
    return asRead;

    /** It is as it should be all the same, but that is not what was read. */
    function unless(code: string): (error: unknown) => void {
      return (error) => {
        if (!isErrno(error, code)) throw error;
        asRead = false;
      };
    }
  }

  /** Of a family those are left that are wanted. */
  #forget(family: Family): void {
    for (const key of this.#made)
      if (key.startsWith(`${family} `) && !this.#wanted.has(key)) this.#made.delete(key);
  }

  #rules(family: Family, { table, mark }: Lead): RuleSpec[] {
    const protocol = ROUTE_PROTOCOL;
    const local = PRIORITY.local + this.#slot;
    const tunnel = PRIORITY.tunnel + this.#slot;
    return [
      { family, priority: local, table: ROUTE_TABLE_MAIN, suppressPrefixLength: 0, protocol },
      { family, priority: tunnel, table, mark: { value: mark }, invert: true, protocol },
    ];
  }

  /** By its priority, and who has made it: before Linux 4.17 no rule tells that, and since then the kernel's own do. */
  #isOurs({ priority, protocol, action, ...rule }: Rule, makersAreTold = false): boolean {
    return (
      (priority === PRIORITY.local + this.#slot || priority === PRIORITY.tunnel + this.#slot) &&
      (protocol === ROUTE_PROTOCOL || (protocol === 0 && !makersAreTold)) &&
      action === FR_ACT_TO_TBL &&
      rule.source === undefined &&
      rule.destination === undefined &&
      rule.inputInterface === undefined &&
      rule.outputInterface === undefined
    );
  }

  #doubt(): void {
    this.#heard++;
    this.#kept = undefined;
  }
}

function isSame(one: Lead, other: Lead): boolean {
  return one.families === other.families && one.table === other.table && one.mark === other.mark;
}

/** All that tells our rules apart. */
function keyOf(rule: Rule | RuleSpec): string {
  const { family, priority, table, mark, invert = false, suppressPrefixLength } = rule;
  const marked = mark === undefined ? '' : `${mark.value}/${mark.mask ?? 0xffffffff}`;
  return [family, priority, table, marked, invert, suppressPrefixLength].join(' ');
}

function specOf({ family, priority, table, mark, invert, suppressPrefixLength, protocol }: Rule): RuleSpec {
  return {
    ...{ family, priority, table, invert, protocol },
    ...(mark === undefined ? {} : { mark }),
    ...(suppressPrefixLength === undefined ? {} : { suppressPrefixLength }),
  };
}

/** What a kernel says that was made without rules, or without the family. */
function isUnsupported(error: unknown): error is NetlinkError {
  return error instanceof NetlinkError && (error.code === 'EAFNOSUPPORT' || error.code === 'EOPNOTSUPP');
}

function whyUnsupported(family: Family, { code }: NetlinkError): string {
  const option = family === 4 ? 'CONFIG_IP_MULTIPLE_TABLES' : 'CONFIG_IPV6_MULTIPLE_TABLES';
  return `this kernel has no rules for IPv${family} (${code}), which full_tunnel needs: expected one with ${option}`;
}
