/** The rules of a simulated machine, as rtnetlink shows them: measured on Linux 6.18. */

import { FR_ACT_TO_TBL, ROUTE_PROTOCOL, type Rule, type RuleSpec } from '../../../src/netlink/index.js';
import type { Family } from '../../../src/selector/world.js';

/** Tells of a change, as the kernel does over RTNLGRP_IPV4_RULE and RTNLGRP_IPV6_RULE. */
export type TellRule = (change: 'new' | 'gone', rule: Rule) => void;

export class Rules {
  #rules: Rule[] = [];
  readonly #tell: TellRule;

  constructor(tell: TellRule) {
    this.#tell = tell;
    for (const family of [4, 6] as const) {
      for (const [priority, table] of [
        [0, 255],
        [32766, 254],
      ] as const)
        this.#rules.push(ruleOf({ family, priority, table, protocol: 2 }));
    }
  }

  list({ family }: { readonly family?: Family } = {}): Rule[] {
    return this.#rules.filter((rule) => (family ?? rule.family) === rule.family);
  }

  /** @returns why not, if it was not added */
  add(spec: RuleSpec): string | undefined {
    const rule = ruleOf(spec);
    // Whether a rule is inverted does not count: rule_exists() of net/core/fib_rules.c.
    if (this.#rules.some((other) => keyOf(other) === keyOf(rule))) return 'EEXIST';
    this.#rules.push(rule);
    this.#rules.sort((one, other) => one.family - other.family || one.priority - other.priority);
    this.#tell('new', rule);
    return undefined;
  }

  /** @returns why not, if none was removed */
  remove(spec: RuleSpec): string | undefined {
    const key = keyOf(ruleOf(spec));
    const found = this.#rules.find((rule) => keyOf(rule) === key);
    if (found === undefined) return 'ENOENT';
    this.take((rule) => rule === found);
    return undefined;
  }

  /** Takes rules away, as somebody else may. */
  take(gone: (rule: Rule) => boolean): void {
    const removed = this.#rules.filter(gone);
    this.#rules = this.#rules.filter((rule) => !removed.includes(rule));
    for (const rule of removed) this.#tell('gone', rule);
  }

  /** Those of ours, as ip(8) tells them. */
  get ours(): string[] {
    return this.#rules.filter(({ protocol }) => protocol === ROUTE_PROTOCOL).map(ruleText);
  }

  /** Those of others. */
  get foreign(): string[] {
    return this.#rules.filter(({ protocol }) => protocol !== ROUTE_PROTOCOL).map(ruleText);
  }
}

/** `4 32256: not mark 7 table 100` */
export function ruleText(rule: Rule): string {
  const { family, priority, invert, mark, table, suppressPrefixLength } = rule;
  return [
    `${family} ${priority}:`,
    ...(invert ? ['not'] : []),
    ...(mark === undefined ? [] : [`mark ${mark.value}`]),
    `table ${table}`,
    ...(suppressPrefixLength === undefined ? [] : [`suppress ${suppressPrefixLength}`]),
  ].join(' ');
}

function keyOf({ invert, ...rule }: Rule): string {
  return JSON.stringify(rule);
}

export function ruleOf(spec: RuleSpec): Rule {
  const { family, priority = 1, table, mark, protocol = ROUTE_PROTOCOL, invert = false } = spec;
  return {
    ...{ family, priority, table, protocol, invert, action: FR_ACT_TO_TBL },
    mark: mark && { mask: 0xffffffff, ...mark },
    suppressPrefixLength: spec.suppressPrefixLength,
    ...{ source: undefined, destination: undefined, inputInterface: undefined, outputInterface: undefined },
  };
}
