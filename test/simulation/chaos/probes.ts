/** Sockets of probes on a simulated machine. */

import type { OpenProbe, ProbeKind } from '#platform/probe.js';
import { ECHO, PROBE_SIZE } from '../probes.js';
import { errno, type Gate } from './gate.js';
import type { Ground } from './ground.js';

/** What the platform throws. */
function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: no probe`), { code, errno: errno(code) });
}

/** @param open those of one process that are open */
export function openProbeOf(ground: Ground, gate: Gate, open: Set<object>): OpenProbe {
  const { machine } = ground;
  const heard = new Map<ProbeKind, Set<() => void>>();
  ground.onProbeAnswer = (kind) => {
    for (const hear of heard.get(kind) ?? []) hear();
  };
  return (kind, { device: name, source, target }) =>
    gate.passAtOnce(
      'open probe',
      () => {
        const device = machine.device(name);
        if (device === undefined) throw systemError('ENODEV');
        const own = machine.addresses(device.index).some(({ address }) => address === source);
        if (!own) throw systemError('EADDRNOTAVAIL');
        const listeners = heard.get(kind) ?? new Set();
        heard.set(kind, listeners);
        let answered = false;
        const hear = (): void => {
          answered = true;
        };
        listeners.add(hear);
        const probe = {
          send: () => gate.passAtOnce('send probe', () => send(device.index, kind, target), systemError),
          answered: () => {
            const before = answered;
            answered = false;
            return before;
          },
          close: () => {
            listeners.delete(hear);
            open.delete(probe);
          },
        };
        open.add(probe);
        return probe;
      },
      systemError,
    );

  /** Sends out of the interface that the socket is bound to, which may be gone. */
  function send(index: number, kind: ProbeKind, target: string): void {
    const device = machine.device(index);
    if (device === undefined) throw systemError('ENODEV');
    if (!device.up) throw systemError('ENETDOWN');
    const peer = machine.peerFor(device, target);
    if (peer === undefined) throw systemError('ENOKEY');
    if (peer.endpoint === undefined) throw systemError('EDESTADDRREQ');
    if (kind === 'datagram') peer.send({ kind: 'probe', size: PROBE_SIZE.ipv4, number: 1 });
    else peer.send({ kind: 'request', size: 36, number: ECHO });
  }
}
