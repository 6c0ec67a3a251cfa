import type { OpenProbe } from '../probe.js';
import { probesOver } from '../probe-socket.js';
import { native } from './native.js';

export type * from '../probe.js';

const { openProbe: open, sendProbe, probeHeard, close } = native;

export const openProbe: OpenProbe = probesOver({ openProbe: open, sendProbe, probeHeard, closeProbe: close });
