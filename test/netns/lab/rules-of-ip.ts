/** Rules as `ip` reads them. */
import { execFileSync } from 'node:child_process';
import type { Rule } from '../../../src/netlink/index.js';

/** A rule in the output of `ip -N -d -j rule`. */
interface Row {
  readonly priority: number;
  readonly src: string;
  readonly srclen?: number;
  readonly dst?: string;
  readonly dstlen?: number;
  readonly not?: null;
  readonly fwmark?: string;
  readonly fwmask?: string;
  readonly iif?: string;
  readonly oif?: string;
  readonly table?: string;
  readonly suppress_prefixlen?: number;
  readonly action?: string;
  readonly protocol: string;
}

/** The rules of one family in this network namespace, in their order. */
export function rulesOfIp(family: 4 | 6): Rule[] {
  const rows: Row[] = JSON.parse(
    execFileSync('ip', ['-N', '-d', '-j', `-${family}`, 'rule'], { encoding: 'utf8' }),
  );
  const whole = (text: string | undefined, length = family === 4 ? 32 : 128) =>
    text === undefined || text === 'all' ? undefined : `${text}/${length}`;
  return rows.map((row) => ({
    family,
    priority: row.priority,
    action: Number(row.action ?? 1),
    table: Number(row.table ?? 0),
    mark:
      row.fwmark === undefined
        ? undefined
        : { value: Number(row.fwmark), mask: Number(row.fwmask ?? 0xffffffff) },
    invert: row.not === null,
    suppressPrefixLength: row.suppress_prefixlen,
    source: whole(row.src, row.srclen),
    destination: whole(row.dst, row.dstlen),
    inputInterface: row.iif,
    outputInterface: row.oif,
    protocol: Number(row.protocol),
  }));
}
