/** What others have on a router: peers on its WireGuard interface, routes in its main table. */
import { underlayInterface } from '../netns/lab/addresses.js';
import type { Router } from '../netns/lab/index.js';

/** A public key of nobody. */
function keyOf(number: number): string {
  const bytes = Buffer.alloc(32, 7);
  bytes.writeUInt32BE(number);
  return bytes.toString('base64');
}

/** The n-th address, from 0, of 100.64.0.0/10 (RFC 6598). */
function addressOf(number: number): string {
  return `100.${64 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
}

/**
 * Adds peers of others to `vpn`, each with an address of its own.
 *
 * @param from so many are there already
 * @param to so many are there then
 */
export async function foreignPeers(router: Router, from: number, to: number): Promise<void> {
  const peers = Array.from({ length: to - from }, (_, at) => {
    const number = from + at;
    return `[Peer]\nPublicKey = ${keyOf(number)}\nAllowedIPs = ${addressOf(number)}/32\n`;
  });
  // wg opens it by its name, which a socket has not.
  await router.exec(['sh', '-c', 'cat | wg addconf vpn /dev/stdin'], peers.join('\n'));
}

/** Adds so many routes of others to the main table, of both families in turn. */
export async function foreignRoutes(router: Router, count: number): Promise<void> {
  const commands = Array.from({ length: count }, (_, at) => {
    const number = at >> 1;
    const to = at % 2 === 0 ? `${addressOf(number)}/32` : `2001:db8:${(number + 1).toString(16)}::/48`;
    return `route add ${to} dev ${underlayInterface}`;
  });
  await router.ip(...commands);
}
