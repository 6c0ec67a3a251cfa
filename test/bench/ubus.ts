/**
 * What src/ubus costs: calls over a bus, and the codec. Each figure stands beside something everybody knows,
 * measured in the same run on the same machine: a bare round-trip over a unix socket, and JSON of the same
 * value.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeBlobmsg, encodeBlobmsg, Ubus } from '../../src/ubus/index.js';

/** The answer of the daemon's `status` with a dozen peers. */
const STATUS = {
  peers: Object.fromEntries(
    Array.from({ length: 12 }, (_, index) => [
      `sn${String(index).padStart(2, '0')}`,
      index === 4 ? { established: 1490 } : false,
    ]),
  ),
};
const SECONDS = 2;

/** Repeats `once` for a while and returns how many times per second it went. The median of five goes, after one to warm up. */
async function rate(once: () => unknown, batch: number): Promise<number> {
  const goes: number[] = [];
  for (let go = 0; go < 6; go += 1) {
    let count = 0;
    const begin = performance.now();
    const end = begin + (SECONDS * 1000) / 5;
    while (performance.now() < end) {
      for (let left = batch; left > 0; left -= 1) {
        const result = once();
        if (result instanceof Promise) await result;
      }
      count += batch;
    }
    goes.push((count * 1000) / (performance.now() - begin));
  }
  const [, , , median = 0] = goes.slice(1).sort((a, b) => a - b);
  return median;
}

function start(part: string, path: string): Promise<ChildProcess> {
  const child = spawn(process.execPath, [new URL('./ubus-peer.js', import.meta.url).pathname, part, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    child.stdout.once('data', () => resolve(child));
    child.once('exit', (code) => reject(new Error(`${part} ended with ${code}`)));
  });
}

function line(what: string, perSecond: number, than: string, reference: number): void {
  const micros = 1e6 / perSecond;
  const ratio = reference / perSecond;
  const own = `${Math.round(perSecond).toLocaleString('en').padStart(11)} /s  ${micros.toFixed(2).padStart(8)} µs`;
  const other = `${than} (${Math.round(reference).toLocaleString('en')} /s)`;
  console.log(`${what.padEnd(34)} ${own}   ${ratio.toFixed(2)} x the time of ${other}`);
}

/** Round-trips of one byte over a unix socket to another process. */
async function echoRate(path: string): Promise<number> {
  const socket = connect(path);
  await new Promise((resolve) => socket.once('connect', resolve));
  let answered: () => void = () => undefined;
  socket.on('data', () => answered());
  const perSecond = await rate(() => {
    socket.write('x');
    return new Promise<void>((resolve) => {
      answered = resolve;
    });
  }, 50);
  socket.destroy();
  return perSecond;
}

export async function benchUbus(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'ubus-bench-'));
  const children: ChildProcess[] = [];
  try {
    const json = JSON.stringify(STATUS);
    const blob = encodeBlobmsg(STATUS);
    console.log(`ubus: a status of ${blob.length} bytes as blobmsg, ${json.length} as JSON`);
    line(
      'encode',
      await rate(() => encodeBlobmsg(STATUS), 1000),
      'JSON.stringify',
      await rate(() => Buffer.from(JSON.stringify(STATUS)), 1000),
    );
    line(
      'decode',
      await rate(() => decodeBlobmsg(blob), 1000),
      'JSON.parse',
      await rate(() => JSON.parse(json), 1000),
    );

    const { UBUSD } = process.env;
    const path = join(folder, 'ubus.sock');
    if (UBUSD === undefined) children.push(await start('ubusd', path));
    else {
      children.push(spawn(UBUSD, ['-s', path], { stdio: 'inherit' }));
      const bus = Ubus.open({ path });
      await bus.waitFor('none', { timeout: 500 }).catch(() => undefined);
      bus.close();
    }
    children.push(await start('provider', path));
    const echoPath = join(folder, 'echo.sock');
    children.push(await start('echo', echoPath));
    const bus = await Ubus.connect({ path });
    await bus.call('bench', 'status');
    const echo = await echoRate(echoPath);
    const through = UBUSD === undefined ? 'the ubusd of test/support' : UBUSD;
    console.log(`calls to another process through ${through}: four hops`);
    line(
      'status call, one after the other',
      await rate(() => bus.call('bench', 'status'), 20),
      'a bare round-trip (two hops)',
      echo,
    );
    const many = await rate(
      () => Promise.all(Array.from({ length: 50 }, () => bus.call('bench', 'status'))),
      1,
    );
    line('status call, 50 at once', many * 50, 'a bare round-trip', echo);
    bus.close();
  } finally {
    for (const child of children) {
      child.removeAllListeners('exit');
      child.kill('SIGKILL');
    }
    rmSync(folder, { recursive: true });
  }
}
