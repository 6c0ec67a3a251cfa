/** What a probe sends: an empty UDP datagram to the port discard (RFC 863), or an ICMP echo. */
export type ProbeKind = 'datagram' | 'echo';

/** Sends small packets to one address out of one interface, whatever the routes say, and hears whether something answers. */
export interface Probe {
  /** Sends one. @throws {SystemError} when the kernel refuses it */
  send(): void;
  /**
   * Whether something has answered since this was last asked: to a datagram another one, or ICMP's word that it is refused; to an echo
   * its reply.
   */
  answered(): boolean;
  close(): void;
}

/** Where a probe goes. Addresses are literal, with a zone where they need one. */
export interface ProbeWay {
  /** Name of the interface. */
  readonly device: string;
  /** One of the interface's own addresses. */
  readonly source: string;
  readonly target: string;
}

/**
 * Opens a probe.
 * @throws {SystemError} EACCES or EPERM for an echo without the right to it (CAP_NET_RAW, net.ipv4.ping_group_range), EADDRNOTAVAIL for a
 * source that is not there, ENETUNREACH where the kernel knows no way, ENODEV without the interface; ENOSYS without the native part
 */
export type OpenProbe = (kind: ProbeKind, way: ProbeWay) => Probe;
