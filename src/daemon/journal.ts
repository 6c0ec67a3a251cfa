import type { SelectorEvent } from '../selector/events.js';
import { formatRemote, type Peer, type Remote, type RouteReport } from '../selector/world.js';
import { formatDuration, messageOf } from '../wording.js';
import type { Level, Log } from './log.js';

/** The first reminder that there is still no connection, and the longest time between two, in milliseconds. */
const FIRST_REMINDER = 60_000;
const LONGEST_REMINDER = 3_600_000;

/** So many lines of one kind at once, and after that one more for each so many milliseconds. */
const LINES_AT_ONCE = 20;
const LINE_EVERY = 60_000;

/** How many lines of one kind may still be written, and how many were not. */
interface Allowance {
  lines: number;
  at: number;
  leftOut: number;
}

/**
 * Tells one interface's life as log lines. What repeats itself while nothing changes (the same failures round after round) goes
 * to the debug level, and a reminder that becomes rarer stands for it. And whatever happens how often: lines of one kind are
 * bounded, so that nothing from outside fills a router's flash or pushes everything else out of its log.
 */
export class Journal {
  readonly #log: Log;
  readonly #ifname: string;
  #pausing = false;
  #silent = false;
  #trouble = '';
  #conflicts = '';
  #reminder = FIRST_REMINDER;
  readonly #now: () => number;
  readonly #allowances = new Map<string, Allowance>();

  /** @param now monotonic milliseconds */
  constructor(log: Log, ifname: string, now: () => number) {
    this.#log = log;
    this.#ifname = ifname;
    this.#now = now;
  }

  /** Writes what there is to say of the event. */
  tell(event: SelectorEvent): void {
    if (event.type === 'connected' || event.type === 'kept') {
      this.#pausing = false;
      this.#silent = false;
      this.#trouble = '';
      this.#reminder = FIRST_REMINDER;
    }
    const peer = 'peer' in event ? event.peer : undefined;
    const [level, text] = this.#line(event);
    if (text !== '') this.#write(event.type, level, peer, text);
    if ('routes' in event && peer !== undefined) this.#warnOfConflicts(peer, event.routes);
  }

  #line(event: SelectorEvent): [Level, string] {
    switch (event.type) {
      case 'interface-missing': {
        const state = event.link === 'absent' ? 'there is no such interface' : 'the interface is down';
        return ['info', `${state}, waiting for it`];
      }
      case 'interface-up':
        return ['info', 'the interface is up'];
      case 'trying':
        return ['debug', `trying ${describe(event.remote)}`];
      case 'connected': {
        const after = formatDuration(event.handshake);
        const by =
          event.tried === undefined ? '' : `, which asked itself while ${describe(event.tried)} was tried`;
        return [
          'info',
          `connected to ${describe(event.remote)}${by}, handshake after ${after}${installed(event.routes)}`,
        ];
      }
      case 'kept': {
        const age = formatDuration(event.handshakeAge);
        return ['info', `still connected, latest handshake ${age} ago${installed(event.routes)}`];
      }
      case 'failed': {
        const where = event.remote === undefined ? '' : `${describe(event.remote)}: `;
        return [event.round > 1 ? 'debug' : 'info', where + event.reason];
      }
      case 'lost':
        return ['info', `connection ended after ${formatDuration(event.held)}: ${event.reason}`];
      case 'tried-beside': {
        const where = event.remote === undefined ? '' : ` at ${describe(event.remote)}`;
        const what =
          event.roundTrip === undefined ? event.reason : `handshake after ${formatDuration(event.roundTrip)}`;
        return ['debug', `asked beside the connection${where}: ${what}`];
      }
      case 'suspected':
        return ['debug', `${event.reason}: asking it for a handshake`];
      case 'proven': {
        const times = event.knocks === 1 ? 'a handshake' : `${event.knocks} handshakes`;
        return ['info', `${event.reason}, but it answers (${times} asked for): the connection stays`];
      }
      case 'not-probed':
        return ['info', `no probe through the tunnel: ${event.reason}; a dead peer is noticed later`];
      case 'routes-restored':
        return [
          'info',
          event.routes.added.length > 0 ? `routes put back: ${event.routes.added.join(' ')}` : '',
        ];
      case 'mended':
        return ['info', event.what];
      case 'leftover-removed':
        return [
          'info',
          `removed from the interface, where it was left behind: public key ${event.publicKey}`,
        ];
      case 'round-over':
        return event.silent && !this.#silent
          ? this.#nobodyLine()
          : this.#reminderLine(event.round, event.disconnected);
      case 'pausing': {
        const level = this.#pausing ? 'debug' : 'info';
        this.#pausing = true;
        const next = formatDuration(event.duration);
        return [level, `no peer is usable, next try in ${next} or when the network changes`];
      }
      case 'trouble': {
        const text = messageOf(event.error);
        const level = text === this.#trouble ? 'debug' : 'error';
        this.#trouble = text;
        return [level, text];
      }
      case 'stopped':
        return ['info', 'stopped, peer and routes are removed'];
    }
  }

  #nobodyLine(): [Level, string] {
    this.#silent = true;
    return [
      'warning',
      "no peer answers: this machine's own way out seems to be dead; they are tried on, less often",
    ];
  }

  #reminderLine(rounds: number, disconnected: number): [Level, string] {
    const due = disconnected >= this.#reminder;
    while (this.#reminder <= disconnected) this.#reminder += Math.min(this.#reminder, LONGEST_REMINDER);
    const times = rounds === 1 ? 'once' : `${rounds} times`;
    const text = `no connection for ${formatDuration(disconnected)}, all peers were tried ${times}`;
    return [due ? 'warning' : 'debug', text];
  }

  #warnOfConflicts(peer: Peer, { conflicts }: RouteReport): void {
    const all = conflicts.map(({ destination, reason }) => `${destination}: ${reason}`);
    const text = all.join('; ');
    if (text !== this.#conflicts)
      for (const one of all) this.#write('conflict', 'warning', peer, `no route to ${one}`);
    this.#conflicts = text;
  }

  #write(kind: string, level: Level, peer: Peer | undefined, text: string): void {
    const subject = peer === undefined ? this.#ifname : `${this.#ifname} ${peer.name}`;
    const allowance = this.#allowance(kind);
    const bounded = level !== 'debug' && allowance.lines < 1;
    if (level === 'debug' || bounded) {
      this.#log.write('debug', subject, text);
      if (bounded) allowance.leftOut++;
      return;
    }
    const { leftOut } = allowance;
    this.#log.write(
      level,
      subject,
      leftOut === 0 ? text : `${text} (${leftOut} lines of this kind were left out)`,
    );
    allowance.lines--;
    allowance.leftOut = 0;
  }

  #allowance(kind: string): Allowance {
    const now = this.#now();
    const known = this.#allowances.get(kind) ?? { lines: LINES_AT_ONCE, at: now, leftOut: 0 };
    known.lines = Math.min(LINES_AT_ONCE, known.lines + (now - known.at) / LINE_EVERY);
    known.at = now;
    this.#allowances.set(kind, known);
    return known;
  }
}

function describe(remote: Remote): string {
  const which = remote.count > 1 ? ` (address ${remote.index} of ${remote.count})` : '';
  return formatRemote(remote) + which;
}

function installed({ installed: destinations }: RouteReport): string {
  return destinations.length === 0 ? '' : `, routes ${destinations.join(' ')}`;
}
