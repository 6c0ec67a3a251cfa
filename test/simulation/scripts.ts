/** What is done alike in the simulation and on the real kernel, so that both can be compared second by second. */

/**
 * One thing that is done.
 * - `connect`: our node installs the gateway as the daemon does; `connect-25` with a keepalive; `connect-bare` without allowed IPs
 *   and with a keepalive; `connect-passive` without starting a handshake.
 * - `datagram`: some bytes by UDP to a port of the gateway at which nobody is; `datagram-silent`: to a host behind it that is not there.
 * - `ping`: an echo request each 200 ms from now on.
 * - `kill`: nothing gets to the gateway or away from it; `forget`: our node is no peer of its any more; `restart`: it loses its
 *   sessions; `gateway-initiates`; `gateway-datagram`: to our node, where nobody listens.
 * - `kick`, `knock`: as the selector's tunnel has them; `refuse`: our node has no route to the gateway any more.
 */
export type Action =
  | 'connect'
  | 'connect-25'
  | 'connect-bare'
  | 'connect-passive'
  | 'datagram'
  | 'datagram-silent'
  | 'ping'
  | 'kill'
  | 'forget'
  | 'restart'
  | 'gateway-initiates'
  | 'gateway-datagram'
  | 'kick'
  | 'knock'
  | 'refuse';

/** Bytes in a datagram: with its headers no multiple of 32, since WireGuard pads to 16. */
export const DATAGRAM = 14;

export interface Script {
  readonly name: string;
  /** How long it is watched, in seconds. */
  readonly seconds: number;
  readonly steps: readonly (readonly [second: number, action: Action])[];
}

export const SCRIPTS: readonly Script[] = [
  { name: 'quiet without keepalive', seconds: 60, steps: [[0, 'connect']] },
  { name: 'quiet with keepalive 25', seconds: 90, steps: [[0, 'connect-25']] },
  {
    name: 'a datagram before there is a session',
    seconds: 40,
    steps: [
      [0, 'connect-passive'],
      [2, 'datagram'],
    ],
  },
  {
    name: 'one datagram that is answered at once',
    seconds: 40,
    steps: [
      [0, 'connect'],
      [5, 'datagram'],
    ],
  },
  {
    name: 'one datagram into a silent gateway',
    seconds: 40,
    steps: [
      [0, 'connect'],
      [5, 'datagram-silent'],
    ],
  },
  {
    name: 'datagrams into a silent gateway that owes an answer already',
    seconds: 50,
    steps: [
      [0, 'connect'],
      [5, 'datagram-silent'],
      [9, 'datagram-silent'],
      [18, 'datagram-silent'],
    ],
  },
  {
    name: 'the gateway dies under ping',
    seconds: 70,
    steps: [
      [0, 'connect'],
      [2, 'ping'],
      [12, 'kill'],
    ],
  },
  {
    name: 'the gateway dies quietly, and one datagram finds out',
    seconds: 131,
    steps: [
      [0, 'connect'],
      [1, 'kill'],
      [2, 'datagram'],
    ],
  },
  {
    name: 'the gateway forgets us',
    seconds: 50,
    steps: [
      [0, 'connect'],
      [5, 'forget'],
      [8, 'datagram'],
    ],
  },
  {
    name: 'the gateway restarts',
    seconds: 50,
    steps: [
      [0, 'connect'],
      [5, 'restart'],
      [8, 'datagram-silent'],
    ],
  },
  {
    name: 'the gateway initiates, and the session gets old',
    seconds: 131,
    steps: [
      [0, 'connect-passive'],
      [2, 'gateway-initiates'],
      [10, 'datagram-silent'],
      [123, 'kick'],
      [125, 'datagram'],
    ],
  },
  {
    name: 'a session is renewed under ping',
    seconds: 131,
    steps: [
      [0, 'connect'],
      [2, 'ping'],
    ],
  },
  {
    name: 'kicks',
    seconds: 131,
    steps: [
      [0, 'connect'],
      [5, 'kick'],
      [122, 'kick'],
    ],
  },
  {
    name: 'knocks at a gateway that lives, and then not',
    seconds: 50,
    steps: [
      [0, 'connect'],
      [5, 'knock'],
      [7, 'knock'],
      [10, 'kill'],
      [12, 'knock'],
      [14, 'knock'],
    ],
  },
  {
    name: 'a peer without allowed IPs',
    seconds: 60,
    steps: [
      [0, 'connect-bare'],
      [5, 'gateway-datagram'],
    ],
  },
  {
    name: 'the gateway sends a datagram',
    seconds: 40,
    steps: [
      [0, 'connect'],
      [5, 'gateway-datagram'],
    ],
  },
  {
    name: 'no route to the gateway',
    seconds: 60,
    steps: [
      [0, 'connect'],
      [5, 'refuse'],
      [8, 'datagram'],
    ],
  },
];
