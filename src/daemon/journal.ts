import type { SelectorEvent } from '../selector/events.js';
import { formatRemote, type Peer, type Remote, type RouteReport } from '../selector/world.js';
import { formatDuration, messageOf } from '../wording.js';
import type { Level, Log } from './log.js';

/** The first reminder that there is still no connection, and the longest time between two, in milliseconds. */
const FIRST_REMINDER = 60_000;
const LONGEST_REMINDER = 3_600_000;

/**
 * Tells one interface's life as log lines. What repeats itself while nothing changes (the same failures round after round) goes
 * to the debug level, and a reminder that becomes rarer stands for it.
 */
export class Journal {
  readonly #log: Log;
  readonly #ifname: string;
  #pausing = false;
  #trouble = '';
  #conflicts = '';
  #reminder = FIRST_REMINDER;

  constructor(log: Log, ifname: string) {
    this.#log = log;
    this.#ifname = ifname;
  }

  /** Writes what there is to say of the event. */
  tell(event: SelectorEvent): void {
    if (event.type === 'connected' || event.type === 'kept') {
      this.#pausing = false;
      this.#trouble = '';
      this.#reminder = FIRST_REMINDER;
    }
    const peer = 'peer' in event ? event.peer : undefined;
    const [level, text] = this.#line(event);
    this.#write(level, peer, text);
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
        return [
          'info',
          `connected to ${describe(event.remote)}, handshake after ${after}${installed(event.routes)}`,
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
      case 'routes-restored':
        return ['info', `routes put back: ${event.routes.added.join(' ')}`];
      case 'leftover-removed':
        return [
          'info',
          `removed from the interface, where it was left behind: public key ${event.publicKey}`,
        ];
      case 'round-over':
        return this.#reminderLine(event.round, event.disconnected);
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
    if (text !== this.#conflicts) for (const one of all) this.#write('warning', peer, `no route to ${one}`);
    this.#conflicts = text;
  }

  #write(level: Level, peer: Peer | undefined, text: string): void {
    this.#log.write(level, peer === undefined ? this.#ifname : `${this.#ifname} ${peer.name}`, text);
  }
}

function describe(remote: Remote): string {
  const which = remote.count > 1 ? ` (address ${remote.index} of ${remote.count})` : '';
  return formatRemote(remote) + which;
}

function installed({ installed: destinations }: RouteReport): string {
  return destinations.length === 0 ? '' : `, routes ${destinations.join(' ')}`;
}
