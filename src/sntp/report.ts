import type { Vote } from './majority.js';
import type { Measurement } from './measure.js';
import { formatOffset, type ServerReport } from './outcome.js';
import type { Target } from './question.js';

/** An address that is asked, once for all servers that have it. */
export interface Asked extends Target {
  owners: string[];
  /** What it said last. */
  state: 'asking' | 'answered' | 'refused' | 'left alone';
  detail: string;
  vote?: Vote;
  /** Whether an answer is awaited. */
  waiting: boolean;
  /** How many questions the kernel has taken. */
  questions: number;
  /** Closes open questions, the oldest first. */
  open: (() => void)[];
  cancelRepeat: () => void;
}

/** A configured server. */
export interface Server {
  text: string;
  problem?: string;
  /** Lookups that may still bring an address. */
  looking: number;
  dnsErrors: Map<4 | 6, string>;
  asked: Set<Asked>;
}

/** What an address has said. */
export function describe({ address }: Asked, { offset, error }: Measurement): string {
  return `${address} says ${formatOffset(Number(offset) / 1e9)} ± ${(Number(error) / 1e9).toFixed(4)} s`;
}

/** The outcome of a server is the best of those of its addresses. */
export function report(server: Server, agreeing: ReadonlySet<Vote>): ServerReport {
  const all = [...server.asked];
  const addresses = all.map(({ address }) => address);
  const about = (some: Asked[]) => some.map(({ detail }) => detail).join(', ');
  const inState = (state: Asked['state']) => all.filter((asked) => asked.state === state);
  const make = (outcome: ServerReport['outcome'], detail: string): ServerReport => ({
    server: server.text,
    outcome,
    addresses,
    detail,
  });

  if (server.problem !== undefined) return make('malformed', server.problem);
  const answered = inState('answered');
  const agreed = answered.filter(({ vote }) => vote !== undefined && agreeing.has(vote));
  if (agreed.length > 0) return make('agreed', about(agreed));
  if (answered.length > 0) return make('disagreed', about(answered));
  if (all.length === 0) {
    return make('unresolved', [...server.dnsErrors.values()].join(', ') || 'DNS has not answered');
  }
  const asking = inState('asking');
  if (asking.length > 0) return make('silent', about(asking));
  const refused = inState('refused');
  if (refused.length > 0) return make('refused', about(refused));
  return make('left alone', about(all));
}
