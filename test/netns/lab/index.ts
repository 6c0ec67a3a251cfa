/** The test lab; see CONTRIBUTING.md. */
export { type AddressPair, anyGateway, inside, underlay, wireguardPort } from './addresses.js';
export { type ConfigSpec, configText, section, type UciOptions } from './config.js';
export { Daemon, type DaemonEnding, type LogLine } from './daemon.js';
export { deadOneFirst } from './dead-one-first.js';
export type { DnsServer } from './dns.js';
export type { Flow, FlowResult } from './flow.js';
export type { Gateway } from './gateway.js';
export type { Host } from './host.js';
export type { Route, WgDevice, WgPeer } from './kernel-view.js';
export { type DaemonOptions, Lab, type LabOptions, withLab } from './lab.js';
export type { Router } from './router.js';
export { connected, nextConnection, ourProtocol, ourRoutes } from './signs.js';
export { patience, until } from './until.js';
