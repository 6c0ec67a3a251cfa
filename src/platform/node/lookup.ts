import type { OpenLookups } from '../lookup.js';
import { openDnsLookups } from './dns-lookups.js';
import { openNativeLookups } from './native-lookups.js';

export type * from '../lookup.js';

/** By getaddrinfo where the native part was built, else by asking the servers of resolv.conf. */
export const openLookups: OpenLookups = () => openNativeLookups() ?? openDnsLookups();
