import type { JsonTable } from '../json.js';
import type { SelectorEvent } from '../selector/events.js';
import { UbusError } from '../ubus/index.js';

/** A table, or nothing. */
type Answer = JsonTable | undefined | ReturnType<() => void>;

/** A method of the daemon, for whoever may ask: src/ubus's Method with texts for arguments. */
export interface ServiceMethod {
  readonly args?: Readonly<Record<string, 'string'>>;
  /** @throws {UbusError} with the status for the caller */
  call(args: Readonly<Record<string, string | undefined>>): Answer | Promise<Answer>;
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
export function methodsOf(service: Service, reload: () => void): Readonly<Record<string, ServiceMethod>> {
  return {
    status: { call: () => service.status() },
    info: { call: () => service.info() },
    peers: { call: () => service.peers() },
    metrics: { call: () => service.metrics() },
    select: {
      args: { peer: 'string' },
      call: ({ peer }) => {
        if (peer === undefined) throw new UbusError('INVALID_ARGUMENT', 'select needs the name of a peer');
        if (!service.selector.select(peer)) {
          throw new UbusError('NOT_FOUND', `${service.name} has no enabled peer ${peer}`);
        }
      },
    },
    next: { call: () => service.selector.next() },
    reload: { call: () => reload() },
  };
}
