/** The lab's numbers: who has which address. */

/** An address of each family. */
export interface AddressPair {
  readonly v4: string;
  readonly v6: string;
}

/** The name of each host's interface to the underlay. */
export const underlayInterface = 'up0';

/** The UDP port on which gateways listen for WireGuard. */
export const wireguardPort = 51820;

/** The underlay, the network that stands in for the Internet. RFC 5737 and RFC 3849 set these prefixes apart. */
export const underlay = { v4: '198.51.100.0/24', v6: '2001:db8::/64' } as const;

/** What lies behind each gateway: the allowed IPs that peers have unless a test says otherwise. */
export const inside = { v4: '10.78.0.0/24', v6: 'fd78::/64' } as const;

/** Every gateway answers at this pair too, so that whoever is connected can be reached by one address. */
export const anyGateway: AddressPair = { v4: '10.78.0.254', v6: 'fd78::fe' };

/** A host's address on the underlay, by its number (1 to 254). */
export function underlayAddress(number: number): AddressPair {
  return { v4: `198.51.100.${number}`, v6: `2001:db8::${number.toString(16)}` };
}

/** The address of gateway `index` (from 1) inside the tunnel. */
export function insideAddress(index: number): AddressPair {
  return { v4: `10.78.0.${index}`, v6: `fd78::${index.toString(16)}` };
}

/** The address of the router's interface `index` (from 1) inside the tunnel; outside {@link inside}. */
export function routerAddress(index: number): AddressPair {
  return { v4: `10.78.1.${index}`, v6: `fd78:0:0:1::${index.toString(16)}` };
}

/** A host's hardware address, by its number. */
export function hardwareAddress(number: number): string {
  return `02:00:00:00:00:${number.toString(16).padStart(2, '0')}`;
}
