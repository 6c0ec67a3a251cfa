/**
 * A program that resolves names, as the daemon does: a line `NAME MILLISECONDS` in; out a line of JSON for each thing that
 * happens: `["found", NAME, ADDRESSES]`, `["resolved", NAME]`, `["rejected", NAME, REASON]`. It ends at the end of its input, whatever
 * is under way.
 *
 * Arguments: `native` or `fallback`.
 */
import { createInterface } from 'node:readline';
import { SystemResolver } from '../../../src/names/system-resolver.js';
import { openDnsLookups } from '../../../src/platform/node/dns-lookups.js';
import { openNativeLookups } from '../../../src/platform/node/native-lookups.js';

const resolver = new SystemResolver(() => {
  if (process.argv[2] === 'fallback') return openDnsLookups();
  const lookups = openNativeLookups();
  if (lookups === undefined) throw new Error('native.node was not built');
  return lookups;
});
const tell = (...event: unknown[]): void => {
  process.stdout.write(`${JSON.stringify(event)}\n`);
};

tell('ready');
for await (const line of createInterface({ input: process.stdin })) {
  const [name = '', timeout] = line.split(' ');
  resolver
    .resolve(name, Number(timeout), (addresses) => tell('found', name, addresses))
    .then(
      () => tell('resolved', name),
      (error: Error) => tell('rejected', name, error.message),
    );
}
// As the daemon ends: everything is closed, and nothing is left to wait for.
resolver.close();
