import type { Connection } from './connection.js';
import type { LossCode, SelectorEvent } from './events.js';
import type { Inbox } from './inbox.js';
import type { Assignment, Peer, World } from './world.js';

/** Why a connection is over. */
export interface Loss {
  readonly code: LossCode;
  readonly reason: string;
}

/** What the steps of the selector's loop share. */
export interface Loop {
  readonly world: World;
  readonly connection: Connection;
  readonly inbox: Inbox;
  /** As it is at the moment. */
  assignment(): Assignment;
  /** Why the peer can neither be tried nor held any longer, whether it answers or not. */
  interruption(peer: Peer): Loss | undefined;
  emit(event: SelectorEvent): void;
}

export const INTERFACE_GONE: Loss = { code: 'interface-gone', reason: 'the interface went down' };

export const REMOVED: Loss = {
  code: 'removed-by-others',
  reason: 'somebody else removed it from the interface',
};
