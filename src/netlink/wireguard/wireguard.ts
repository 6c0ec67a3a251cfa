import { ERRNO } from '#platform/errno.js';
import type { ConnectionOptions } from '../connection.js';
import { describeDevice } from '../device.js';
import { type GenericFamily, GenericNetlink, type GenericRequest } from '../generic.js';
import type { Repeated } from '../repeated.js';
import { WG_CMD_GET_DEVICE, WG_GENL_NAME } from './constants.js';
import { findCounters, updateCounters } from './counters.js';
import { decodeDevice } from './decode.js';
import { deviceWriter, encodeConfig } from './encode.js';
import type { WireGuardConfig, WireGuardDevice } from './types.js';

const { EADDRINUSE, ENODEV, EOPNOTSUPP, EPERM } = ERRNO;

/** What the errors of WireGuard mean, which speak of sockets and files otherwise. */
const EXPLAIN = {
  [EADDRINUSE]: 'another socket has the listen port',
  [ENODEV]: 'there is no such interface',
  [EOPNOTSUPP]: 'it is not a WireGuard interface',
  [EPERM]: 'this needs CAP_NET_ADMIN',
};

/**
 * WireGuard devices of this network namespace, read and configured over generic netlink (linux/wireguard.h).
 *
 * Everything needs CAP_NET_ADMIN, reading too (EPERM). Methods reject with {@link NetlinkError} when the kernel refuses
 * (ENODEV: no such interface; EOPNOTSUPP: it is not of WireGuard), with NetlinkTimeoutError when the timeout passes, and with
 * NetlinkEncodeError or NetlinkDecodeError for an argument that cannot be sent.
 */
export class WireGuard {
  readonly #netlink: GenericNetlink;
  readonly #family: GenericFamily;

  private constructor(netlink: GenericNetlink, family: GenericFamily) {
    this.#netlink = netlink;
    this.#family = family;
  }

  /**
   * Finds WireGuard in this kernel, which loads its module where it is one.
   *
   * @param options `timeout` in milliseconds for each request, default 5000; see {@link ConnectionOptions}
   * @throws {NetlinkError} ENOENT: this kernel has no WireGuard
   */
  static async open(options?: ConnectionOptions): Promise<WireGuard> {
    const netlink = new GenericNetlink(options);
    try {
      return new WireGuard(netlink, await netlink.family(WG_GENL_NAME));
    } catch (error) {
      netlink.close();
      throw error;
    }
  }

  /**
   * Reads a device with all its peers, secrets included.
   *
   * @param device name, or index of the interface
   */
  async device(device: string | number): Promise<WireGuardDevice> {
    const messages = await this.#netlink.dump(this.#getDevice(device), (message) => message);
    return decodeDevice(messages);
  }

  /**
   * A device to be read again and again. Where nothing but counters has changed, all that has not is the very same object as before.
   *
   * @param device name, or index of the interface
   */
  repeatedDevice(device: string | number): Repeated<WireGuardDevice> {
    return this.#netlink.repeatedDump(this.#getDevice(device), {
      read: decodeDevice,
      varying: findCounters,
      update: updateCounters,
    });
  }

  /**
   * Changes a device and its peers; what is left out stays as it is.
   *
   * A configuration too big for one message (32 KiB: some hundred peers, or a thousand allowed IPs) is applied in steps.
   * When one is refused, those before it stay. Two calls at once for the same device may interleave their steps.
   *
   * @param device name, or index of the interface
   */
  async configure(device: string | number, config: WireGuardConfig): Promise<void> {
    const steps = encodeConfig(this.#family, device, config);
    for (const [index, attributes] of steps.entries()) {
      const step = steps.length > 1 ? ` (step ${index + 1} of ${steps.length})` : '';
      const what = `configure WireGuard device ${describeDevice(device)}${step}`;
      await this.#netlink.request({ what, family: this.#family, attributes, explain: EXPLAIN });
    }
  }

  #getDevice(device: string | number): GenericRequest {
    return {
      what: `get WireGuard device ${describeDevice(device)}`,
      explain: EXPLAIN,
      family: this.#family,
      attributes: deviceWriter(this.#family, WG_CMD_GET_DEVICE, device),
    };
  }

  /** Closes the socket. Requests under way fail with ECANCELED, and so does every later one. */
  close(): void {
    this.#netlink.close();
  }
}
