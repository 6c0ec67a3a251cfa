/** Readers of what the kernel, or somebody in its place, sends over netlink. */
import { canonicalPrefix } from '../../src/netlink/address.js';
import { NetlinkDecodeError } from '../../src/netlink/errors.js';
import { decodeFamily } from '../../src/netlink/generic.js';
import {
  decodeMessages,
  decodeOutcome,
  encodeMessage,
  type NetlinkMessage,
  NLMSG_DONE,
  NLMSG_ERROR,
} from '../../src/netlink/message.js';
import { recorded } from '../../src/netlink/recording.js';
import {
  decodeInterfaceAddress,
  RTM_DELADDR,
  RTM_NEWADDR,
} from '../../src/netlink/rtnetlink/interface-address.js';
import { decodeLink, RTM_DELLINK, RTM_NEWLINK } from '../../src/netlink/rtnetlink/link.js';
import { RtnetlinkMonitor } from '../../src/netlink/rtnetlink/monitor.js';
import {
  decodeRoute,
  encodeRoute,
  type Route,
  RTM_DELROUTE,
  RTM_NEWROUTE,
  RTN_UNICAST,
} from '../../src/netlink/rtnetlink/route.js';
import { findCounters, updateCounters } from '../../src/netlink/wireguard/counters.js';
import { decodeDevice } from '../../src/netlink/wireguard/decode.js';
import { encodeConfig } from '../../src/netlink/wireguard/encode.js';
import type { WireGuardDevice } from '../../src/netlink/wireguard/types.js';
import { type Reader, rule, textOf } from './reader.js';

const errors = [NetlinkDecodeError];

/** An address of a family, with the length of a prefix. */
function checkPrefix(prefix: string, family: 4 | 6): void {
  rule(canonicalPrefix(prefix).includes(':') === (family === 6), `${prefix} is of another family`);
}

/** What is read of a route can be written, and is read as the same again. */
function checkRoute(route: Route): void {
  const { destination, interfaceIndex, metric, table, protocol, family, gateway, source, type } = route;
  checkPrefix(destination, family);
  if (source !== undefined) checkPrefix(source, family);
  if (type !== RTN_UNICAST || interfaceIndex === undefined || metric === 0 || table === 0) return;
  if (gateway !== undefined && gateway.includes(':') !== (family === 6)) return; // RTA_VIA is not written
  const body = encodeRoute({
    destination,
    interfaceIndex,
    metric,
    table,
    protocol,
    ...(gateway !== undefined && { gateway }),
  });
  const again = decodeRoute({ type: RTM_NEWROUTE, flags: 0, sequence: 0, port: 0, body });
  const { scope } = again ?? { scope: 0 };
  rule(
    textOf(again) ===
      textOf({ ...route, destination: canonicalPrefix(destination), source: undefined, scope }),
    'a route that is written is not what was read',
  );
}

function readOne(message: NetlinkMessage): unknown {
  switch (message.type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
      return decodeLink(message);
    case RTM_NEWADDR:
    case RTM_DELADDR: {
      const found = decodeInterfaceAddress(message);
      if (found !== undefined) checkPrefix(`${found.address}/${found.prefixLength}`, found.family);
      return found;
    }
    case RTM_NEWROUTE:
    case RTM_DELROUTE: {
      const found = decodeRoute(message, {}, true);
      if (found !== undefined) checkRoute(found);
      return found;
    }
    default:
      return message.type;
  }
}

/** Links, addresses of interfaces, routes. */
const rtnetlink: Reader = {
  name: 'rtnetlink',
  errors,
  read: (bytes) => decodeMessages(bytes).map(readOne),
};

/** Peers that are read can be installed, and are read as the same again. */
function checkPeers({ peers }: WireGuardDevice): void {
  const written = peers.filter(({ endpoint }) => endpoint?.port !== 0); // the kernel has such ones, wg(8) takes none
  const messages = encodeConfig({ version: 1 }, 7, { peers: written }).map((writer) => writer.finish());
  const again = decodeDevice(messages.map((body) => ({ type: 29, flags: 0, sequence: 0, port: 0, body })));
  const known = (device: Pick<WireGuardDevice, 'peers'>): string =>
    textOf(
      device.peers.map(({ publicKey, endpoint, persistentKeepalive, presharedKey, allowedIps }) => [
        ...[publicKey, endpoint, persistentKeepalive, presharedKey?.revealBytes()],
        allowedIps.map(canonicalPrefix),
      ]),
    );
  rule(known({ peers: written }) === known(again), 'peers that are written are not what was read');
}

/** The answer to WG_CMD_GET_DEVICE, with the counters that are read apart. */
const wireguard: Reader = {
  name: 'wireguard',
  errors,
  read(bytes) {
    const messages = decodeMessages(bytes).filter(({ type }) => type >= 16);
    const device = decodeDevice(messages);
    checkPeers(device);
    const counters = findCounters(messages, device);
    if (counters !== undefined) {
      const updated = updateCounters(device, counters);
      rule(textOf(updated) === textOf(device), 'counters that are read apart are others');
    }
    return device;
  },
};

/** Ends of requests with the kernel's words, and families of generic netlink. */
const control: Reader = {
  name: 'control',
  errors,
  read: (bytes) =>
    decodeMessages(bytes).map((message) => {
      if (message.type !== NLMSG_ERROR && message.type !== NLMSG_DONE) return decodeFamily(message);
      const outcome = decodeOutcome(message);
      rule(outcome.errno >= 0 && outcome.errno <= 2 ** 31, 'an error number is none');
      return outcome;
    }),
};

/** An answer that is kept, to be compared with the next. */
const recording: Reader = {
  name: 'recording',
  errors,
  read(bytes) {
    const messages = decodeMessages(bytes).filter(({ type }) => type >= 16);
    const half = (bytes.length >> 1) & ~3;
    const { exchange, messages: found } = recorded(
      {
        message: encodeMessage(18, 5, 1, 2, new Uint8Array(4)),
        datagrams: [bytes.slice(0, half), bytes.slice(half)],
      },
      messages,
    );
    if (exchange === undefined) return undefined;
    rule(exchange.answer.length === exchange.varying.length, 'not a byte for a byte');
    for (const { body } of found) rule(body.buffer === exchange.answer.buffer, 'a message lies elsewhere');
    return found.map(({ type, body }) => [type, body]);
  },
};

/** Events: whatever comes, somebody is told of it or told to read everything again. */
const monitor: Reader = {
  name: 'monitor',
  errors: [],
  read(bytes) {
    const told: unknown[] = [];
    let deliver: (datagram: Uint8Array) => void = () => undefined;
    const listening = RtnetlinkMonitor.open(
      {
        link: (change, link) => told.push([change, link]),
        address: (change, address) => told.push([change, address]),
        route: (change, route, replaced) => told.push([change, route, replaced]),
        lost: () => told.push('lost'),
      },
      {
        openSocket(_family, handlers) {
          deliver = (datagram) => handlers.message(datagram, 0);
          const features = { extendedAck: true, cappedAck: true, strictDump: true };
          return { port: 1, features, send() {}, ref() {}, unref() {}, close() {} };
        },
      },
    );
    deliver(bytes);
    listening.close();
    rule(told.length <= bytes.length / 16 + 1, 'more is told than there is');
    return told;
  },
};

export const netlinkReaders: readonly Reader[] = [rtnetlink, wireguard, control, recording, monitor];
