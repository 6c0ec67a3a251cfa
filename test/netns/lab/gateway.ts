/** A gateway: a host with a WireGuard interface that knows the router. */
import { type AddressPair, anyGateway, insideAddress, wireguardPort } from './addresses.js';
import { Host, type Surroundings } from './host.js';
import { parseWgDump, type WgDevice } from './kernel-view.js';
import { type KeyPair, keyPair, presharedKey } from './keys.js';
import type { RouterInterface } from './router.js';

/** The host number of the first gateway. */
const firstNumber = 11;

/** A host at the far end of a tunnel. */
export class Gateway extends Host {
  /** Its address inside the tunnel. */
  readonly inside: AddressPair;
  #keys: KeyPair = keyPair();
  readonly #router: readonly RouterInterface[];

  /** @param index from 1 */
  constructor(lab: Surroundings, index: number, router: readonly RouterInterface[]) {
    super(lab, `gw${index}`, firstNumber + index - 1);
    this.inside = insideAddress(index);
    this.#router = router;
  }

  get publicKey(): string {
    return this.#keys.publicKey;
  }

  /** Its UDP endpoint over IPv4, as a configuration writes it. */
  get endpoint(): string {
    return `${this.address.v4}:${wireguardPort}`;
  }

  /** Its UDP endpoint over IPv6, as a configuration writes it. */
  get endpoint6(): string {
    return `[${this.address.v6}]:${wireguardPort}`;
  }

  override commandsAtHost(): string[] {
    return [...super.commandsAtHost(), ...this.#commandsOfInterface()];
  }

  override async finish(): Promise<void> {
    const peers = this.#router.flatMap(({ keys, address }) => [
      ...['peer', keys.publicKey, 'allowed-ips', `${address.v4}/32,${address.v6}/128`],
    ]);
    const own = ['listen-port', String(wireguardPort), 'private-key', 'SECRET'];
    await this.wgSet('wg0', [...own, ...peers], this.#keys.privateKey);
  }

  /**
   * Loses every session, as a gateway does that is restarted: the router's packets are no longer understood
   * until a new handshake.
   */
  async restart(): Promise<void> {
    await this.ip('link delete wg0', ...this.#commandsOfInterface());
    await this.finish();
  }

  /** The same, and it has another key pair: {@link publicKey} is the new one. */
  async restartWithOtherKeys(): Promise<void> {
    this.#keys = keyPair();
    await this.restart();
  }

  /** Knows the router no longer, as one does whose operator has removed it. {@link finish} makes it known again. */
  async forget(): Promise<void> {
    for (const { keys } of this.#router) await this.wgSet('wg0', ['peer', keys.publicKey, 'remove']);
  }

  /** Drops what comes to it through the tunnel, but for echo requests: port unreachable is never said. */
  async hush(): Promise<void> {
    const never = 'echo 1000000000 >/proc/sys/net/ipv';
    await this.exec(['sh', '-c', `${never}4/icmp_ratelimit; ${never}6/icmp/ratelimit`]);
  }

  /**
   * Begins a session with an interface of the router's, so that it is the one who has to renew it.
   * @param endpoint where that interface listens, `address:port`
   */
  async initiate({ keys, address }: RouterInterface, endpoint: string): Promise<void> {
    const peer = ['peer', keys.publicKey];
    await this.wgSet('wg0', [
      ...[...peer, 'remove'], // the session that there is would do
      ...[...peer, 'allowed-ips', `${address.v4}/32,${address.v6}/128`, 'endpoint', endpoint],
      ...['persistent-keepalive', '25', ...peer, 'persistent-keepalive', '0'],
    ]);
  }

  /** From now on only a handshake with the returned preshared key succeeds. */
  async requirePresharedKey(): Promise<string> {
    const key = presharedKey();
    for (const { keys } of this.#router) {
      await this.wgSet('wg0', ['peer', keys.publicKey, 'preshared-key', 'SECRET'], key);
    }
    return key;
  }

  /** The WireGuard interface as `wg` shows it. */
  async wg(): Promise<WgDevice> {
    return parseWgDump(await this.exec(['wg', 'show', 'wg0', 'dump']));
  }

  #commandsOfInterface(): string[] {
    const addresses = [this.inside, anyGateway].flatMap(({ v4, v6 }) => [
      `address add ${v4}/32 dev wg0`,
      `address add ${v6}/128 dev wg0 nodad`,
    ]);
    const routes = this.#router.flatMap(({ address }) => [
      `route add ${address.v4}/32 dev wg0`,
      `route add ${address.v6}/128 dev wg0`,
    ]);
    return ['link add wg0 type wireguard', ...addresses, 'link set wg0 up', ...routes];
  }
}
