/** Routes of every kind, by chance, and how `ip` reads what the kernel made of them. */
import { execFileSync } from 'node:child_process';
import type { Route } from '../../../src/netlink/index.js';
import { SeededRandom } from '../../simulation/random.js';

/** The programs that have installed them (rtm_protocol). */
export const anyProtocols = [201, 202, 203] as const;

/**
 * Commands for `ip -batch` that add routes: some are refused, where two say the same.
 *
 * @param device its addresses are 198.18.0.1/15 and fd01::1/64
 */
export function anyRoutes(count: number, device: string, seed = 1): string {
  const random = new SeededRandom(seed);
  const pick = <T>(...all: readonly [T, ...T[]]): T => all[random.below(all.length)] ?? all[0];
  const oneRoute = (): string => {
    const six = random.below(2) === 1;
    const type = pick('unicast', 'unicast', 'unicast', 'blackhole', 'unreachable', 'prohibit', 'throw');
    const onLink = six ? '' : ` scope ${pick('link', 'global', 'host')}`;
    const gateway = ` via ${six ? 'fd01::2' : '198.18.0.2'} onlink`;
    const others = [
      ' mtu 1300',
      ' advmss 1000',
      ' hoplimit 3',
      six ? ' pref high' : ' src 198.18.0.1',
    ] as const;
    const way =
      type === 'unicast' ? ` dev ${device}${pick(onLink, onLink, gateway)}${pick('', ...others)}` : '';
    const source = six ? pick('', '', ` from 2001:db8:${random.below(65_536).toString(16)}::/48`) : '';
    const metric = 1 + random.below(2 ** 31);
    const table = pick(254, 1 + random.below(250), 256 + random.below(2 ** 31));
    return `route add ${type} ${prefix(random, six)}${source}${way} metric ${metric} table ${table} proto ${pick(...anyProtocols)}\n`;
  };
  return Array.from({ length: count }, oneRoute).join('');
}

function prefix(random: SeededRandom, six: boolean): string {
  const bits = six ? 128 : 32;
  const length = random.below(bits + 1);
  const first = six ? 0x2001n : BigInt(1 + random.below(223));
  let address = first << BigInt(bits - (six ? 16 : 8));
  for (let bit = 0; bit < bits - 16; bit++) address |= BigInt(random.below(2)) << BigInt(bit);
  address = (address >> BigInt(bits - length)) << BigInt(bits - length);
  const part = (at: number, width: number) =>
    (address >> BigInt(bits - width * (at + 1))) & BigInt((1 << width) - 1);
  const text = six
    ? Array.from({ length: 8 }, (_, at) => part(at, 16).toString(16)).join(':')
    : Array.from({ length: 4 }, (_, at) => part(at, 8)).join('.');
  return `${text}/${length}`;
}

/** A route in the output of `ip -N -d -j route`, as far as it is in {@link Route}. */
interface Row {
  readonly type: string;
  readonly dst: string;
  readonly from?: string;
  readonly gateway?: string;
  readonly dev?: string;
  readonly table?: string;
  readonly protocol: string;
  readonly scope?: string;
  readonly metric?: number;
}

/** A route with the name of its interface; it has none if it is of a type that refuses. */
export type NamedRoute = Omit<Route, 'interfaceIndex'> & { readonly dev: string | undefined };

/** The routes of {@link anyRoutes} in this network namespace, as `ip` reads them. */
export function routesOfIp(family: 4 | 6): NamedRoute[] {
  const argv = ['-N', '-d', '-j', `-${family}`, 'route', 'show', 'table', 'all'];
  const rows: Row[] = JSON.parse(execFileSync('ip', argv, { encoding: 'utf8', maxBuffer: 64 << 20 }) || '[]');
  const bits = family === 4 ? 32 : 128;
  const whole = (text: string): string => {
    if (text === 'default') return family === 4 ? '0.0.0.0/0' : '::/0';
    return text.includes('/') ? text : `${text}/${bits}`;
  };
  return rows
    .filter(({ protocol }) => anyProtocols.some((one) => one === Number(protocol)))
    .map(({ type, dst, from, gateway, dev, table, protocol, scope, metric }) => ({
      family,
      destination: whole(dst),
      source: from === undefined ? undefined : whole(from),
      gateway,
      metric: metric ?? 0,
      table: Number(table ?? 254),
      protocol: Number(protocol),
      type: Number(type),
      scope: Number(scope ?? 0),
      dev,
    }));
}
