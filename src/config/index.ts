export { parseUci, UciError, type UciOption, type UciPackage, type UciSection } from '../uci/uci.js';
export { type EndpointConfig, formatEndpoint } from './endpoint.js';
export type { InterfaceConfig } from './interface.js';
export { ConfigFileError, loadConfig } from './load.js';
export { loadNtpServers, type NtpConfig } from './ntp.js';
export { type PeerConfig, samePeer } from './peer.js';
export { formatProblem, type Problem } from './problem.js';
export { Config } from './schema.js';
export { Secret } from './secret.js';
