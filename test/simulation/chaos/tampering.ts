/** What others do to the node's interface, peers and routes, and how that is undone. */

import { ROUTE_PROTOCOL, RTN_UNREACHABLE } from '../../../src/netlink/index.js';
import { kick } from '../node.js';
import { endpointOf, keyOf } from './configuration.js';
import { type Device, type Machine, VPN } from './machine.js';

/** What the served interface is called while it is renamed. */
export const RENAMED = 'other';
/** The key of a peer that is none of ours. */
export const FOREIGN = keyOf(10);

/** The node's own things that others have changed are as they should be again. */
export function mendMachine(machine: Machine): void {
  nameBack(machine);
  come(machine);
  const { vpn } = machine;
  if (vpn === undefined) return;
  machine.setUp(vpn, true);
  addAddresses(machine, vpn);
  giveBack(machine);
}

export function flap(machine: Machine, vpn: Device): void {
  machine.setUp(vpn, false);
  machine.setUp(vpn, true);
}

export function replace(machine: Machine, vpn: Device): void {
  machine.destroy(vpn);
  machine.create(VPN, true);
}

export function notWireGuard(machine: Machine, vpn: Device): void {
  machine.destroy(vpn);
  machine.create(VPN, false);
}

/** One that is WireGuard's, whatever has the name. */
export function come(machine: Machine): void {
  const { vpn } = machine;
  if (vpn?.wireguard !== undefined) return;
  if (vpn !== undefined) machine.destroy(vpn);
  machine.create(VPN, true);
}

export function nameBack(machine: Machine): void {
  const renamed = machine.device(RENAMED);
  if (renamed === undefined) return;
  if (machine.vpn === undefined) machine.rename(renamed, VPN);
  else machine.destroy(renamed);
}

export function addAddresses(machine: Machine, vpn: Device): void {
  for (const address of ['10.78.0.9', 'fd78::9']) machine.addAddress(vpn, address);
}

function ours({ wireguard }: Device) {
  return [...(wireguard?.peers.values() ?? [])].filter(({ publicKey }) => publicKey !== FOREIGN);
}

export function setMark(vpn: Device, mark: number): void {
  vpn.fwmark = mark;
}

export function removeOurs(vpn: Device): void {
  for (const { publicKey } of ours(vpn)) vpn.wireguard?.remove(publicKey);
}

/** `wg set vpn peer … allowed-ips …`: one of ours, by somebody else. */
export function plant({ wireguard }: Device, index: number): void {
  const peer = wireguard?.add(keyOf(index));
  if (peer === undefined) return;
  for (const other of wireguard?.peers.values() ?? [])
    other.allowedIps = other.allowedIps.filter((prefix) => prefix !== '10.78.0.0/24');
  peer.allowedIps = ['10.78.0.0/24', `10.${index}.0.0/16`];
  peer.endpoint = endpointOf(index);
  kick(peer, 25);
}

export function change(vpn: Device, n: number): void {
  const [peer] = ours(vpn);
  if (peer === undefined) return;
  if (n % 3 === 0) peer.allowedIps = [];
  else if (n % 3 === 1) peer.keepalive = 7;
  else peer.endpoint = '203.0.113.9:51820';
}

export function plantForeign({ wireguard }: Device, n: number): void {
  const peer = wireguard?.add(FOREIGN);
  if (peer !== undefined) peer.allowedIps = [`10.200.${n % 256}.0/24`];
}

export function flush(machine: Machine, { index }: Device, which: (destination: string) => boolean): void {
  machine.routes.remove(
    ({ interfaceIndex, destination }) => interfaceIndex === index && which(destination),
    ({ family }) => family === 4,
  );
}

export function deleteOne(machine: Machine, n: number): void {
  const { ours: routes } = machine;
  const one = routes[n % Math.max(1, routes.length)];
  machine.routes.remove((route) => route === one);
}

/** Somebody's own route in the place of one of ours, or where one of ours would come. */
export function take(machine: Machine, n: number): void {
  const [route] = machine.ours;
  if (route === undefined || n % 2 === 0) machine.putForeignRoute('10.1.0.0/16');
  else if (route.family === 4) machine.putForeignRoute(route.destination, route.metric);
}

export function giveBack(machine: Machine): void {
  machine.routes.remove(
    ({ protocol, destination }) => protocol !== ROUTE_PROTOCOL && destination.startsWith('10.'),
  );
}

export function removeBlockade(machine: Machine): void {
  machine.routes.remove(({ type }) => type === RTN_UNREACHABLE);
}

/** Some of our rules, or all of them. */
export function removeRules({ rules }: Machine, n: number): void {
  let at = n % 15;
  rules.take(({ protocol }) => protocol === ROUTE_PROTOCOL && (at++ % 5 === 0 || n % 2 === 0));
}

export function storm(machine: Machine): void {
  for (let count = 0; count < 40; count++) machine.putForeignRoute('172.17.0.0/16');
}
