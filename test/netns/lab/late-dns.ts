/**
 * A DNS server that answers questions for AAAA later than those for A, with one address for every name.
 *
 * Arguments: the address to listen at, an IPv4 address, an IPv6 address, and the milliseconds that the latter takes, or `told`: it is
 * held back until something is written to standard input.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import ipaddr from 'ipaddr.js';

const [listen, v4 = '', v6 = '', delay] = process.argv.slice(2);
const AAAA = 28;
const told = once(process.stdin, 'data');

/** The answer to a question (RFC 1035 section 4.1), which is repeated in it. */
function answer(question: Buffer, type: number): Buffer {
  const address = ipaddr.parse(type === AAAA ? v6 : v4).toByteArray();
  const header = Buffer.from([0, 0, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]);
  question.copy(header, 0, 0, 2);
  const record = [0xc0, 12, 0, type, 0, 1, 0, 0, 0, 60, 0, address.length, ...address];
  return Buffer.concat([header, question.subarray(12, endOfName(question) + 4), Buffer.from(record)]);
}

function endOfName(question: Buffer): number {
  let at = 12;
  for (let length = question[at]; length !== undefined && length > 0; length = question[at]) at += length + 1;
  return at + 1;
}

const socket = createSocket('udp4');
socket.on('message', async (question, { port, address }) => {
  const type = question.readUInt16BE(endOfName(question));
  if (type === AAAA) await (delay === 'told' ? told : setTimeout(Number(delay)));
  socket.send(answer(question, type), port, address);
});
socket.bind(53, listen, () => process.stdout.write('ready\n'));
