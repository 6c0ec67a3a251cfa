import assert from 'node:assert/strict';
import type { Gateway } from './gateway.js';
import type { Lab } from './lab.js';
import { connected } from './signs.js';

/** So often chance may choose the other address first. */
const TURNS = 20;

/**
 * Two addresses of a gateway, one of them dead: starts the daemon until that one is tried first, by chance. It fails, and the other follows
 * at once.
 *
 * @param config with a connect_timeout of 10 s
 * @param dead address and port
 */
export async function deadOneFirst(lab: Lab, gateway: Gateway, config: string, dead: string): Promise<void> {
  let failed = 0;
  for (let turn = 0; turn < TURNS && failed === 0; turn++) {
    await gateway.restart(); // or it would come to us by itself, knowing us from the turn before
    const daemon = await lab.startDaemon({ config });
    const { text } = await daemon.line(connected);
    assert.ok(
      / \(address [12] of 2\)/.test(text) && text.includes(`connected to ${gateway.endpoint} `),
      text,
    );
    const failures = daemon.lines(/no handshake within 10 s/);
    assert.ok(
      failures.every((line) => line.text.includes(`${dead} (address 1 of 2)`)),
      daemon.describe(),
    );
    failed = failures.length;
    daemon.signal('SIGTERM');
    assert.equal((await daemon.exit()).code, 0);
  }
  assert.equal(failed, 1, `${dead} is tried first in one of ${TURNS} turns`);
}
