import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { int64, Ubus, UbusError } from '../../src/ubus/index.js';
import { deferred } from '../support/bus.js';
import { play, transcript } from '../support/transcript.js';

const OBJECT = 'wgpeerselector.vpn';
const PEERS = { gw1: { established: 1490 }, gw2: false };

/** Connects to a played recording, does something, and shows that every byte sent was as recorded. */
async function replay(
  t: TestContext,
  name: string,
  act: (bus: Ubus) => Promise<void>,
  lines = transcript(name),
): Promise<void> {
  const playing = await play(t, lines);
  const bus = await Ubus.connect({ path: playing.path });
  t.after(() => bus.close());
  const [{ sent, recorded }] = await Promise.all([playing.done, act(bus)]);
  assert.ok(recorded.length > 0);
  assert.deepEqual(sent, recorded);
}

test('call-status: a call and its answer', async (t) => {
  await replay(t, 'call-status', async (bus) => {
    assert.deepEqual(await bus.call(OBJECT, 'status'), {
      s: 'text',
      list: ['a', 'b'],
      peers: PEERS,
      t: true,
      n: -5,
    });
  });
});

test('call-echo: arguments of all kinds, nested', async (t) => {
  await replay(t, 'call-echo', async (bus) => {
    const args = { name: 'x', count: 7, on: true, extra: [1, { a: 'b' }, 2.5, 1099511627776] };
    assert.deepEqual(await bus.call(OBJECT, 'echo', args), {
      ...args,
      extra: [1, { a: 'b' }, 2, 1099511627776],
    });
  });
});

test('call-silent: an answer without data', async (t) => {
  await replay(t, 'call-silent', async (bus) => assert.deepEqual(await bus.call(OBJECT, 'silent'), {}));
});

for (const [name, method, code, status] of [
  ['call-nomethod', 'nope', 3, 'METHOD_NOT_FOUND'],
  ['call-fail', 'fail', 4, 'NOT_FOUND'],
] as const) {
  test(`${name}: the status becomes the error`, async (t) => {
    await replay(t, name, async (bus) => {
      await assert.rejects(bus.call(OBJECT, method), (error) => {
        assert.ok(error instanceof UbusError);
        assert.deepEqual(
          [error.code, error.status, error.object, error.method],
          [code, status, OBJECT, method],
        );
        return true;
      });
    });
  });
}

test('call-noobject: an object that is not there', async (t) => {
  await replay(t, 'call-noobject', async (bus) => {
    await assert.rejects(bus.call('nope', 'status'), {
      name: 'UbusError',
      status: 'NOT_FOUND',
      object: 'nope',
    });
  });
});

for (const name of ['list', 'list-verbose']) {
  test(`${name}: objects with their methods`, async (t) => {
    await replay(t, name, async (bus) => {
      // The command asks for one path in the second recording.
      const objects = await bus.lookup(name === 'list' ? undefined : OBJECT);
      const echo = { on: 'bool', name: 'string', count: 'int32' };
      assert.deepEqual(objects, [
        { path: OBJECT, id: 0x7ac23a15, methods: { status: {}, echo, silent: {}, fail: {} } },
      ]);
    });
  });
}

test('send-event: an event', async (t) => {
  await replay(t, 'send-event', (bus) => bus.send('lab.test', { k: 1 }));
});

test('listen: registering for a pattern', async (t) => {
  await replay(t, 'listen', async (bus) => {
    await bus.listen('lab.*', () => undefined);
  });
});

test('subscribe: a subscription', async (t) => {
  await replay(t, 'subscribe', async (bus) => {
    const subscription = await bus.subscribe(OBJECT, () => undefined);
    assert.equal(subscription.active, true);
  });
});

test('wait-for: hearing of new objects before looking', async (t) => {
  // The command then asks for all objects where we ask for the one; the recording is held up to there.
  const lines = transcript('wait-for').slice(0, -2);
  const lookup = transcript('call-status').slice(1, 3);
  const renumbered = lookup.map(({ dir, hex }) => ({
    dir,
    hex: hex.replaceAll(/(000[124])0001(00000000)/g, '$10003$2'),
  }));
  await replay(
    t,
    'wait-for',
    async (bus) => {
      assert.equal((await bus.waitFor(OBJECT)).id, 0x7ac23a15);
    },
    [...lines, ...renumbered],
  );
});

test('provider: publishing, listening, answering, subscribers', async (t) => {
  // libubus answers events, which nobody receives; we do not.
  const lines = transcript('provider').filter(
    ({ hex }) => !hex.startsWith('00010001000000000000001401000008000000000300000830565954'),
  );
  const event = deferred<unknown[]>();
  const gone = deferred();
  const changes: boolean[] = [];
  await replay(
    t,
    'provider',
    async (bus) => {
      await bus.publish(
        OBJECT,
        {
          status: {
            call: () => ({ s: 'text', list: ['a', 'b'], peers: PEERS, t: true, n: int64(-5) }),
          },
          echo: {
            args: { on: 'bool', name: 'string', count: 'int32' },
            call: ({ on, name, count }, { user, group, args }) => {
              assert.deepEqual([user, group], ['root', 'root']);
              assert.deepEqual(args, {
                name: 'x',
                count: 7,
                on: true,
                extra: [1, { a: 'b' }, 2.5, 1099511627776],
              });
              return { extra: [1, { a: 'b' }, 2, 1099511627776], on, count, name };
            },
          },
          silent: { call: async () => undefined },
          fail: {
            call: () => {
              throw new UbusError('NOT_FOUND', 'never');
            },
          },
        },
        {
          onSubscribers: (any) => {
            changes.push(any);
            if (!any) gone.resolve();
          },
        },
      );
      await bus.listen('lab.*', (...heard) => event.resolve(heard));
      assert.deepEqual(await event.promise, ['lab.test', { k: 1 }]);
      await gone.promise;
    },
    lines,
  );
  assert.deepEqual(changes, [true, false]);
});
