import { PEER_OPTIONS } from '../config/index.js';
import type { JsonTable } from '../json.js';
import type { SelectorEvent } from '../selector/events.js';
import { type Table, UbusError, type Value } from '../ubus/index.js';

/** A table, or nothing. */
type Answer = JsonTable | undefined | ReturnType<() => void>;

/** A method of the daemon, for whoever may ask: as src/ubus has them, with fewer types. */
export interface ServiceMethod {
  readonly args?: Readonly<Record<string, 'string' | 'array' | 'any'>>;
  /**
   * @param args of the types that are declared, as far as they are given; others too
   * @throws {UbusError} with the status for the caller
   */
  call(args: Table): Answer | Promise<Answer>;
}

/** The arguments of `add_peer`, as `ubus -v list` shows them. */
const PEER_ARGUMENTS: Readonly<Record<string, 'any' | 'string'>> = {
  name: 'string',
  ...Object.fromEntries(Object.keys(PEER_OPTIONS).map((option) => [option, 'any'] as const)),
};

/** The daemon as a whole, as far as others have to do with it. */
export interface ServiceOwner {
  /** Reads the configuration again. */
  reload(): void;
  peers(): Promise<GivenPeers>;
}

/** Peers that are given at run time, as src/daemon/run-time-peers.ts has them. */
export interface GivenPeers {
  set(ifname: string, values: readonly Value[]): readonly string[];
  add(ifname: string, value: Table): readonly string[];
  remove(ifname: string, name: string): void;
}

/** An interface's service, as far as others have to do with it. */
export interface Service {
  readonly name: string;
  readonly selector: { select(peer: string): boolean; next(): void };
  status(): JsonTable;
  info(): Promise<JsonTable>;
  metrics(): JsonTable;
  peers(): JsonTable;
  onEvent(listener: (event: SelectorEvent) => void): void;
}

/** What can be asked of an interface's service: on ubus and at the control socket alike. */
export function methodsOf(service: Service, owner: ServiceOwner): Readonly<Record<string, ServiceMethod>> {
  const { name: ifname } = service;
  return {
    status: { call: () => service.status() },
    info: { call: () => service.info() },
    peers: { call: () => service.peers() },
    metrics: { call: () => service.metrics() },
    select: {
      args: { peer: 'string' },
      call(args) {
        const peer = text(args, 'peer', 'select');
        if (!service.selector.select(peer)) {
          throw new UbusError('NOT_FOUND', `${ifname} has no enabled peer ${peer}`);
        }
      },
    },
    next: { call: () => service.selector.next() },
    reload: { call: () => owner.reload() },
    set_peers: {
      args: { peers: 'array' },
      async call({ peers: values }) {
        if (!Array.isArray(values))
          throw new UbusError('INVALID_ARGUMENT', 'set_peers needs peers, a list of tables');
        return { warnings: (await owner.peers()).set(ifname, values) };
      },
    },
    add_peer: {
      args: PEER_ARGUMENTS,
      call: async (args) => ({ warnings: (await owner.peers()).add(ifname, args) }),
    },
    remove_peer: {
      args: { name: 'string' },
      call: async (args) => (await owner.peers()).remove(ifname, text(args, 'name', 'remove_peer')),
    },
  };
}

/** @throws {UbusError} where it is not given */
function text(args: Table, name: string, method: string): string {
  const value = args[name];
  if (typeof value === 'string') return value;
  throw new UbusError('INVALID_ARGUMENT', `${method} needs the name of a peer`);
}
