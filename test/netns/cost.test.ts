// What the programs cost, as far as a busy machine does not change it. `npm run bench` measures the rest.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { memory } from '../bench/process-figures.js';
import { limits } from '../support/limits.js';
import { chosenProgram, routerOnly } from '../support/needs.js';
import { connected, nextConnection, until, withLab } from './lab/index.js';

/** Looks that are counted, after those of a fresh connection. */
const LOOKS = 12;
const BEFORE = 12;

test('connected, a look is a few system calls', () =>
  withLab({ gateways: 1 }, async (lab) => {
    const trace = `${lab.folder}/trace`;
    const daemon = await lab.startDaemon({
      under: ['strace', '-f', '-qq', '-o', trace],
      config: lab.config({ interface: { check_interval: 1 } }),
      args: ['-i', 'vpn', '--ubus-socket', '/dev/null/nothing'],
    });
    await daemon.line(connected);
    const from = (await readFile(trace, 'utf8')).split('\n').length;
    const ask = / sendto\(.*nlmsg_type=wireguard/; // each look asks once for the device, and once for each of two routes
    // To read the clock is a system call on an emulated machine alone, and Node reads it the more often the slower the machine is.
    const clock = / (clock_gettime|gettimeofday)\(/;
    const looks = await until(
      async () => {
        const all = (await readFile(trace, 'utf8')).split('\n').slice(from, -1);
        const lines = all.filter((line) => !clock.test(line));
        const begins = lines.flatMap((line, at) => (ask.test(line) ? [at] : []));
        const counted = begins.slice(BEFORE, BEFORE + LOOKS + 1);
        if (counted.length <= LOOKS) return undefined;
        return counted.slice(1).map((end, at) => lines.slice(counted[at], end));
      },
      { what: 'looks in the trace' },
    );
    // Half of them have this many at most: between some of the others it has looked for an ubusd.
    const usual = looks.sort((one, other) => one.length - other.length)[LOOKS >> 1] ?? [];
    process.stdout.write(`# ${usual.length} system calls for a look\n`);
    assert.ok(usual.length <= limits.callsOfLook[chosenProgram], usual.join('\n'));
  }));

/** Whether the machine's C library is a later one than Debian 12's, glibc 2.36. */
function hasNewerLibrary(): boolean {
  const { header } = process.report.getReport() as { header?: { glibcVersionRuntime?: string } };
  return Number(header?.glibcVersionRuntime?.split('.')[1] ?? 0) > 36;
}

test("connected, the router's program stays within its memory", routerOnly('a bound of its own'), () =>
  withLab({ gateways: 2 }, async (lab) => {
    const daemon = await lab.startDaemon();
    await daemon.line(connected);
    // Reloads do not add up.
    for (let time = 0; time < 20; time++) {
      daemon.signal('SIGHUP');
      await daemon.line(/configuration read again/);
    }
    const { private: own, resident } = memory(daemon.pid);
    process.stdout.write(`# private ${own.toFixed(2)} MB, resident ${resident.toFixed(2)} MB\n`);
    assert.ok(own * 1e6 <= limits.private, `${own} MB private`);
    const most = limits.resident + (hasNewerLibrary() ? limits.residentOfNewerLibrary : 0);
    assert.ok(resident * 1e6 <= most, `${resident} MB resident`);
  }),
);

test(
  'a configuration that its memory would not hold is refused with a word, and the connection goes on',
  routerOnly('a bound of its own'),
  () =>
    withLab({ gateways: 2 }, async (lab) => {
      const daemon = await lab.startDaemon();
      const flow = await lab.flow(lab.gateway(await nextConnection(daemon)), 20);
      await flow.moves(5);
      await daemon.reload('#\n'.repeat(14 * 2 ** 20)); // 28 MiB; the bound of its memory is 24
      await daemon.line(
        /^error: .*cannot be read \(EFBIG\): expected at most 256 KiB; everything stays as it is$/,
      );
      await flow.moves(5);
      assert.equal((await flow.stop()).lost, 0);
      daemon.signal('SIGTERM');
      assert.equal((await daemon.exit()).code, 0);
    }),
);
