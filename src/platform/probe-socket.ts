import type { OpenProbe, ProbeKind } from './probe.js';
import { systemError } from './system-error.js';

/** The functions of probe.c. Error numbers are negated; those of `sendProbe` have either sign. */
export interface ProbeFunctions {
  openProbe(kind: number, device: string, source: string, target: string): number;
  sendProbe(fd: number): number;
  probeHeard(fd: number): boolean;
  closeProbe(fd: number): void;
}

/** As in probe.c. */
const KINDS: Readonly<Record<ProbeKind, number>> = { datagram: 0, echo: 1 };

/** Probes by the native part of a host. */
export function probesOver(native: ProbeFunctions): OpenProbe {
  return (kind, { device, source, target }) => {
    const tried = `probe ${target} from ${source} through ${device}`;
    const fd = native.openProbe(KINDS[kind], device, source, target);
    if (fd < 0) throw systemError(fd, tried);
    let heard = false;
    return {
      send() {
        heard = native.probeHeard(fd) || heard; // or sending would fail with the answer to the one before
        const error = native.sendProbe(fd);
        if (error !== 0) throw systemError(error, tried);
      },
      answered() {
        const answered = native.probeHeard(fd) || heard;
        heard = false;
        return answered;
      },
      close: () => native.closeProbe(fd),
    };
  };
}
