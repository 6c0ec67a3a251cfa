// The rules of a full tunnel: there, not doubled, put back, and nobody else's touched.
import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import type { Kernel, RouteListener } from '../../src/daemon/kernel.js';
import { RulesOfOurs } from '../../src/daemon/rules-of-ours.js';
import { NetlinkError, type RuleSpec } from '../../src/netlink/index.js';
import type { Family } from '../../src/selector/world.js';
import { Rules } from '../simulation/chaos/rules.js';

const BOTH: readonly Family[] = [4, 6];
const NONE: readonly Family[] = [];
const LEAD = { families: BOTH, table: 51887, mark: 51887 };

type Asked = 'list' | 'add' | 'remove';

/** A kernel with rules, whose answers may go wrong. */
class RuleKernel {
  readonly listeners: RouteListener[] = [];
  readonly rules = new Rules((change, rule) => {
    for (const listener of this.listeners) listener.rule?.(change, rule);
  });
  readonly asked: string[] = [];
  /** What the next request of a kind is answered with; `done`: although it was done. */
  readonly fails = new Map<Asked, { errno: string; done?: boolean }>();
  /** Families that it has no rules for, by what it says. */
  readonly without = new Map<Family, string>();
  /** Called while a list is on its way. */
  meanwhile = (): void => {};

  open(ifname = 'vpn') {
    let gone = 0;
    const rules = new RulesOfOurs(this as unknown as Kernel, ifname, () => gone++);
    return { rules, gone: () => gone };
  }

  onRoutes(listener: RouteListener): void {
    this.listeners.push(listener);
  }

  readonly rtnetlink = {
    rules: async ({ family }: { family: Family }) =>
      this.#ask('list', family, () => {
        const found = this.rules.list({ family });
        this.meanwhile();
        return found;
      }),
    addRule: async (spec: RuleSpec) =>
      this.#ask('add', spec.family, () => refuse(this.rules.add(spec), 'add')),
    removeRule: async (spec: RuleSpec) =>
      this.#ask('remove', spec.family, () => refuse(this.rules.remove(spec), 'remove')),
  };

  #ask<T>(kind: Asked, family: Family, perform: () => T): T {
    this.asked.push(`${kind} ${family}`);
    refuse(this.without.get(family), kind);
    const fault = this.fails.get(kind);
    this.fails.delete(kind);
    if (fault !== undefined) {
      if (fault.done === true) perform();
      refuse(fault.errno, kind);
    }
    return perform();
  }
}

function refuse(code: string | undefined, what: string): void {
  const number = (constants.errno as Readonly<Record<string, number>>)[code ?? ''];
  if (code !== undefined) throw new NetlinkError(number ?? 0, `${what} rule`);
}

/** As they are for `vpn`. */
function expected(table: number, mark: number, families = BOTH): string[] {
  return families.flatMap((family) => [
    `${family} 32159: table 254 suppress 0`,
    `${family} 32415: not mark ${mark} table ${table}`,
  ]);
}

function isAsExpected(kernel: RuleKernel, wanted: readonly string[]): void {
  assert.deepEqual([...kernel.rules.ours].sort(), [...wanted].sort());
}

test('two rules for each family, and nothing is asked as long as nothing happens', async () => {
  const kernel = new RuleKernel();
  const foreign = kernel.rules.foreign;
  const { rules } = kernel.open();
  await rules.keep(LEAD);
  isAsExpected(kernel, expected(51887, 51887));
  assert.equal(rules.kept, LEAD);
  const asked = kernel.asked.length;
  await rules.keep({ ...LEAD });
  assert.equal(kernel.asked.length, asked);
  await rules.keep({ ...LEAD, families: NONE });
  assert.deepEqual(kernel.rules.ours, []);
  assert.deepEqual(kernel.rules.foreign, foreign);
});

test('local networks are let through before anything is led, and until the last', async () => {
  const kernel = new RuleKernel();
  const { rules } = kernel.open();
  kernel.listeners.push({
    route: () => {},
    address: () => {},
    lost: () => {},
    rule: () => {
      for (const family of BOTH) {
        const led = kernel.rules.ours.some((rule) => rule.startsWith(`${family} 32415`));
        assert.ok(!led || kernel.rules.ours.some((rule) => rule.startsWith(`${family} 32159`)));
      }
    },
  });
  await rules.keep(LEAD);
  await rules.keep({ ...LEAD, families: NONE });
});

test('one family alone: the other is not even asked about, once it was looked whether a former run has left any', async () => {
  const kernel = new RuleKernel();
  const { rules } = kernel.open();
  await rules.keep({ ...LEAD, families: NONE });
  kernel.asked.length = 0;
  await rules.keep({ ...LEAD, families: [4] });
  isAsExpected(kernel, expected(51887, 51887, [4]));
  await rules.keep({ ...LEAD, families: NONE });
  assert.deepEqual(kernel.rules.ours, []);
  kernel.asked.length = 0;
  await rules.keep({ ...LEAD, families: NONE, table: 7 });
  assert.deepEqual(kernel.asked, []);
});

test('another table or another mark: the old rules go when the new ones are there', async () => {
  const kernel = new RuleKernel();
  const { rules } = kernel.open();
  await rules.keep(LEAD);
  kernel.listeners.push({
    route: () => {},
    address: () => {},
    lost: () => {},
    rule: () => {
      for (const family of BOTH)
        assert.ok(kernel.rules.ours.some((rule) => rule.startsWith(`${family} 32415`)));
    },
  });
  await rules.keep({ ...LEAD, table: 100 });
  isAsExpected(kernel, expected(100, 51887));
  await rules.keep({ ...LEAD, table: 100, mark: 7 });
  isAsExpected(kernel, expected(100, 7));
});

test('what somebody takes away is told, and put back', async () => {
  const kernel = new RuleKernel();
  const { rules, gone } = kernel.open();
  await rules.keep(LEAD);
  assert.equal(gone(), 0);
  kernel.rules.take(({ priority, family }) => family === 6 && priority === 32415);
  assert.equal(gone(), 1);
  assert.equal(rules.kept, undefined);
  await rules.keep(LEAD);
  isAsExpected(kernel, expected(51887, 51887));
  assert.equal(rules.kept, LEAD);
  kernel.rules.take(({ priority }) => priority === 32766);
  assert.equal(gone(), 1, "what becomes of others' rules is nothing to us");
  await rules.keep({ ...LEAD, families: NONE });
  assert.equal(gone(), 1, 'what we take away ourselves is no news');
});

test('taken away while it was asked for, or by an event that was lost: looked at again', async () => {
  const kernel = new RuleKernel();
  const { rules } = kernel.open();
  await rules.keep(LEAD);
  kernel.rules.take(({ priority, family }) => family === 4 && priority === 32159);
  kernel.meanwhile = () => {
    kernel.meanwhile = () => {};
    kernel.rules.take(({ priority, family }) => family === 4 && priority === 32415);
  };
  await rules.keep(LEAD);
  assert.equal(rules.kept, undefined);
  await rules.keep(LEAD);
  isAsExpected(kernel, expected(51887, 51887));
  const { rule } = kernel.listeners[0] ?? {};
  delete kernel.listeners[0]?.rule;
  kernel.rules.take(({ protocol }) => protocol === 87);
  for (const listener of kernel.listeners) listener.lost();
  await rules.keep(LEAD);
  isAsExpected(kernel, expected(51887, 51887));
  assert.ok(rule);
});

test('after SIGKILL they are taken over, not doubled; those of another table or mark go, and all where none is wished', async () => {
  const kernel = new RuleKernel();
  await kernel.open().rules.keep(LEAD);
  kernel.asked.length = 0;
  await kernel.open().rules.keep(LEAD);
  assert.deepEqual(kernel.asked, ['list 4', 'list 6']);
  await kernel.open().rules.keep({ ...LEAD, mark: 8 });
  isAsExpected(kernel, expected(51887, 8));
  await kernel.open().rules.keep({ ...LEAD, families: NONE });
  assert.deepEqual(kernel.rules.ours, []);
});

test("others' rules stay, those of other interfaces and those at our priorities, too", async () => {
  const kernel = new RuleKernel();
  const others: RuleSpec[] = [
    { family: 4, priority: 32415, table: 9, mark: { value: 51887 }, invert: true, protocol: 4 },
    { family: 4, priority: 32159, table: 254, suppressPrefixLength: 0, protocol: 3 },
    { family: 6, priority: 32415, table: 51888, mark: { value: 51887 }, invert: true, protocol: 0 },
    { family: 6, priority: 100, table: 51887, protocol: 0 },
  ];
  for (const other of others) kernel.rules.add(other);
  const foreign = kernel.rules.foreign;
  const other = kernel.open('vpn2').rules;
  await other.keep(LEAD);
  const ofOther = kernel.rules.ours;
  const { rules } = kernel.open();
  await rules.keep(LEAD);
  assert.equal(kernel.rules.ours.length, 8);
  await rules.keep({ ...LEAD, families: NONE });
  assert.deepEqual(kernel.rules.ours, ofOther);
  assert.deepEqual(kernel.rules.foreign, foreign);
});

test('a kernel that tells of no rule who has made it: ours are known by their priorities', async () => {
  const kernel = new RuleKernel();
  const ask = kernel.rtnetlink.rules;
  kernel.rtnetlink.rules = async (filter) => (await ask(filter)).map((rule) => ({ ...rule, protocol: 0 }));
  const remove = kernel.rtnetlink.removeRule;
  kernel.rtnetlink.removeRule = async (spec) => await remove({ ...spec, protocol: 87 });
  await kernel.open().rules.keep(LEAD);
  const { rules } = kernel.open();
  kernel.asked.length = 0;
  await rules.keep(LEAD);
  assert.deepEqual(kernel.asked, ['list 4', 'list 6']);
  assert.equal(rules.kept, LEAD);
  await rules.keep({ ...LEAD, families: NONE });
  assert.deepEqual(kernel.rules.ours, []);
});

test('two interfaces that fall on the same priority, with other tables: neither takes the rules of the other away for ever', async () => {
  const kernel = new RuleKernel();
  const one = kernel.open();
  const other = kernel.open();
  await one.rules.keep({ ...LEAD, table: 100 });
  await other.rules.keep({ ...LEAD, table: 200 }); // its first look takes the other's for its own of before
  await one.rules.keep({ ...LEAD, table: 100 });
  const there = kernel.rules.ours;
  assert.equal(there.length, 6);
  for (let time = 0; time < 3; time++) {
    for (const listener of kernel.listeners) listener.lost();
    await one.rules.keep({ ...LEAD, table: 100 });
    await other.rules.keep({ ...LEAD, table: 200 });
  }
  assert.deepEqual(kernel.rules.ours, there);
});

test('a kernel without rules, of one family or at all: said, not asked again and again, and the other family works', async () => {
  const kernel = new RuleKernel();
  kernel.without.set(6, 'EAFNOSUPPORT');
  const { rules } = kernel.open();
  await rules.keep(LEAD);
  isAsExpected(kernel, expected(51887, 51887, [4]));
  assert.equal(rules.refusal(4), undefined);
  assert.match(rules.refusal(6) ?? '', /^this kernel has no rules for IPv6 \(EAFNOSUPPORT\), .*CONFIG_IPV6_/);
  const asked = kernel.asked.length;
  await rules.keep(LEAD);
  assert.equal(kernel.asked.length, asked);
  kernel.without.set(4, 'EOPNOTSUPP');
  for (const listener of kernel.listeners) listener.lost();
  await rules.keep(LEAD);
  assert.match(rules.refusal(4) ?? '', /CONFIG_IP_MULTIPLE_TABLES/);
  await rules.keep({ ...LEAD, families: NONE });
  assert.equal(rules.refusal(4), undefined);
});

test('whatever else the kernel refuses is thrown, and done the next time', async () => {
  for (const kind of ['list', 'add'] as const) {
    for (const errno of ['EPERM', 'ENOMEM', 'ENOBUFS']) {
      const kernel = new RuleKernel();
      const { rules } = kernel.open();
      kernel.fails.set(kind, { errno });
      await assert.rejects(rules.keep(LEAD), new RegExp(errno));
      assert.equal(rules.kept, undefined);
      await rules.keep(LEAD);
      isAsExpected(kernel, expected(51887, 51887));
    }
  }
  const kernel = new RuleKernel();
  const { rules } = kernel.open();
  await rules.keep(LEAD);
  kernel.fails.set('remove', { errno: 'ENOBUFS' });
  await assert.rejects(rules.keep({ ...LEAD, families: NONE }), /ENOBUFS/);
  await rules.keep({ ...LEAD, families: NONE });
  assert.deepEqual(kernel.rules.ours, []);
});

test('a rule whose answer was lost is ours all the same; one that is there already, or gone already, is no error', async () => {
  const kernel = new RuleKernel();
  const { rules } = kernel.open();
  kernel.fails.set('add', { errno: 'ENOBUFS', done: true });
  await assert.rejects(rules.keep(LEAD), /ENOBUFS/);
  await rules.keep({ ...LEAD, families: NONE });
  assert.deepEqual(kernel.rules.ours, []);
  kernel.fails.set('add', { errno: 'EEXIST', done: true });
  await rules.keep(LEAD);
  assert.equal(rules.kept, undefined, 'that is not what was read');
  await rules.keep(LEAD);
  assert.equal(rules.kept, LEAD);
  isAsExpected(kernel, expected(51887, 51887));
  kernel.fails.set('remove', { errno: 'ENOENT', done: true });
  const none = { ...LEAD, families: NONE };
  await rules.keep(none);
  assert.deepEqual(kernel.rules.ours, []);
  assert.equal(rules.kept, none, 'looked at once more, since there may be no next time');
});

test('a rule that is said to be gone and is not: it goes, though nobody comes again', async () => {
  const kernel = new RuleKernel();
  const { rules } = kernel.open();
  await rules.keep(LEAD);
  kernel.fails.set('remove', { errno: 'ENOENT' });
  await rules.keep({ ...LEAD, families: NONE });
  assert.deepEqual(kernel.rules.ours, []);
});

test('a rule that was gone already is not ours any more: another interface may have the same one', async () => {
  const kernel = new RuleKernel();
  const one = kernel.open();
  await one.rules.keep({ ...LEAD, table: 100 });
  kernel.fails.set('remove', { errno: 'ENOENT', done: true });
  await one.rules.keep({ ...LEAD, table: 200 });
  await one.rules.keep({ ...LEAD, table: 200 });
  await kernel.open().rules.keep({ ...LEAD, table: 100 });
  await one.rules.keep({ ...LEAD, table: 200 });
  for (const table of [100, 200]) {
    const led = kernel.rules.ours.filter((rule) => rule.endsWith(`table ${table}`));
    assert.equal(led.length, 2, `${kernel.rules.ours}`);
  }
});
