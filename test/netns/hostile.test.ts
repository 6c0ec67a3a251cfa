// Somebody on the same machine who speaks netlink to the daemon as only the kernel should.
import assert from 'node:assert/strict';
import { readdir, readFile, readlink, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { AttributeWriter } from '../../src/netlink/attribute-writer.js';
import { compile } from '../support/compile.js';
import { linkBody, message, NLMSG_DONE, NLMSG_ERROR, RTM_NEWLINK } from '../support/netlink-messages.js';
import { type Daemon, inside, nextConnection, ourRoutes, withLab } from './lab/index.js';

const RTM_DELLINK = 17;
const IFLA_IFNAME = 3;

/** A netlink socket, as /proc/net/netlink tells of it. */
interface Socket {
  readonly protocol: number;
  /** The port that the kernel knows it by. */
  readonly port: number;
}

/** The daemon's netlink sockets. */
async function socketsOf({ pid }: Daemon): Promise<Socket[]> {
  const links = (await readdir(`/proc/${pid}/fd`)).map((fd) =>
    readlink(`/proc/${pid}/fd/${fd}`).catch(() => ''),
  );
  const inodes = new Set((await Promise.all(links)).map((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1]));
  return (await readFile(`/proc/${pid}/net/netlink`, 'utf8'))
    .split('\n')
    .slice(1, -1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => inodes.has(fields.at(-1)))
    .map(([, protocol, port]) => ({ protocol: Number(protocol), port: Number(port) }));
}

/** That the interface is gone, is down, that a question has failed or is answered: whatever its number, some will be the right one. */
function lies(index: number): Uint8Array[] {
  const link = (type: number, flags: number): Uint8Array => {
    const name = new AttributeWriter().string(IFLA_IFNAME, 'vpn').finish();
    return message(type, 0, 0, Buffer.concat([linkBody({ index, flags }), name]));
  };
  const ends = Array.from({ length: 64 }, (_, sequence) => [
    message(NLMSG_ERROR, 0, sequence, new Uint8Array([0xed, 0xff, 0xff, 0xff, ...new Uint8Array(16)])), // ENODEV
    message(NLMSG_DONE, 2, sequence, new Uint8Array(4)),
  ]);
  return [link(RTM_DELLINK, 0), link(RTM_NEWLINK, 0), ...ends.flat()];
}

test('netlink messages that are not the kernel’s are not believed, whatever they say', () =>
  withLab({ gateways: 2 }, async (lab) => {
    const send = compile(`${lab.folder}/send-netlink`, 'send-netlink.c');
    const daemon = await lab.startDaemon({ config: lab.config({ interface: { check_interval: 1 } }) });
    const name = await nextConnection(daemon);
    const flow = await lab.flow(lab.gateway(name), 20);
    const sockets = await socketsOf(daemon);
    assert.ok(sockets.length >= 3, JSON.stringify(sockets));
    const lines = daemon.log.length;
    const index = Number((await lab.router.exec(['cat', '/sys/class/net/vpn/ifindex'])).trim());
    const all = lies(index);
    for (let at = 0; at < all.length; at += 32) {
      await writeFile(`${lab.folder}/lies`, Buffer.concat(all.slice(at, at + 32)));
      for (const { protocol, port } of sockets)
        await lab.router.exec([send, String(protocol), String(port), `${lab.folder}/lies`]);
    }
    await flow.moves(100); // two seconds, and as many looks
    const told = daemon.log.slice(lines).filter(({ text }) => text.includes(' vpn'));
    assert.deepEqual(told, []);
    assert.deepEqual(await ourRoutes(lab), [inside.v4, inside.v6]);
    assert.equal((await flow.stop()).lost, 0);
    daemon.signal('SIGTERM');
    assert.equal((await daemon.exit()).code, 0);
  }));
