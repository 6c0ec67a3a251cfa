/** A host of the lab: a network namespace with one interface, plugged into the underlay's switch. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { type AddressPair, hardwareAddress, underlayAddress, underlayInterface } from './addresses.js';
import { exec, ipBatch, start } from './exec.js';

/** What a host needs to know of the lab it is in. */
export interface Surroundings {
  /** Begins the name of each namespace of this lab. */
  readonly prefix: string;
  /** Every host in the lab, in the order of their making. */
  readonly hosts: Host[];
  /** The lab's folder for files, gone after `close`. */
  readonly folder: string;
  /** Told of each process that has to end with the lab. */
  readonly processes: Set<ChildProcessWithoutNullStreams>;
}

/** A host: where programs run, and how it is cut off and joined again. */
export class Host {
  readonly name: string;
  /** Of the network namespace, for `ip -n`. */
  readonly namespace: string;
  /** On the underlay. */
  readonly address: AddressPair;
  readonly hardwareAddress: string;
  readonly #lab: Surroundings;

  /** Only notes the names; the lab makes it with the `commandsAt…`. */
  constructor(lab: Surroundings, name: string, number: number) {
    this.#lab = lab;
    this.name = name;
    this.namespace = `${lab.prefix}-${name}`;
    this.address = underlayAddress(number);
    this.hardwareAddress = hardwareAddress(number);
  }

  /** The switch's end of this host's cable. */
  get port(): string {
    return `p-${this.name}`;
  }

  /** `ip` commands, to be given in the switch's namespace, that plug this host in. */
  commandsAtSwitch(): string[] {
    const end = `name ${underlayInterface} address ${this.hardwareAddress} netns ${this.namespace}`;
    return [`link add ${this.port} type veth peer ${end}`, `link set ${this.port} master switch up`];
  }

  /** `ip` commands, to be given in this host when it is plugged in, that make it ready. */
  commandsAtHost(): string[] {
    return [
      'link set lo up',
      `address add ${this.address.v4}/24 dev ${underlayInterface}`,
      `address add ${this.address.v6}/64 dev ${underlayInterface} nodad`,
      `link set ${underlayInterface} up`,
    ];
  }

  /** What else makes the host ready, when those commands have been given. */
  async finish(): Promise<void> {}

  /** Runs `ip` commands in this host, all in one program. */
  async ip(...commands: readonly string[]): Promise<void> {
    await ipBatch(this.namespace, commands);
  }

  /** What a program is run under in this host. */
  get entering(): string[] {
    return ['ip', 'netns', 'exec', this.namespace];
  }

  /** Runs a program in this host to its end; returns its standard output. */
  async exec(argv: readonly string[], input = ''): Promise<string> {
    return await exec([...this.entering, ...argv], input);
  }

  /**
   * Changes a WireGuard interface with `wg set`.
   *
   * @param secret what the argument `SECRET` stands for: `wg` reads keys from files only
   */
  async wgSet(device: string, args: readonly string[], secret = ''): Promise<void> {
    const file = `${this.#lab.folder}/secret-${randomUUID()}`;
    await writeFile(file, secret, { mode: 0o600 });
    const given = args.map((arg) => (arg === 'SECRET' ? file : arg));
    await this.exec(['wg', 'set', device, ...given]).finally(() => rm(file));
  }

  /** Starts a program in this host that ends with the lab at the latest. */
  run(argv: readonly string[], env?: NodeJS.ProcessEnv): ChildProcessWithoutNullStreams {
    const child = start([...this.entering, ...argv], env);
    this.#lab.processes.add(child);
    child.on('close', () => this.#lab.processes.delete(child));
    return child;
  }

  /**
   * The host vanishes as one does behind the Internet: what is sent to it or by it is lost silently, while its
   * cable stays plugged in and its address stays known.
   */
  async kill(): Promise<void> {
    await this.#switchCommand(`link set ${this.port} nomaster`);
  }

  /** Undoes {@link kill}. */
  async revive(): Promise<void> {
    await this.#switchCommand(`link set ${this.port} master switch`);
  }

  /** Pulls the cable: the host sees its interface without a carrier. */
  async unplug(): Promise<void> {
    await this.#switchCommand(`link set ${this.port} down`);
  }

  /** Undoes {@link unplug}. */
  async plug(): Promise<void> {
    await this.#switchCommand(`link set ${this.port} up`);
  }

  /** What the host sends takes so many milliseconds longer. */
  async delay(milliseconds: number): Promise<void> {
    await this.exec(
      `tc qdisc replace dev ${underlayInterface} root netem delay ${milliseconds}ms`.split(' '),
    );
  }

  /**
   * Makes the host's way a bad one, in both directions.
   * @param how as netem takes it: `loss 20% delay 100ms 50ms`
   */
  async impair(how: string): Promise<void> {
    const netem = (device: string): string[] => `tc qdisc replace dev ${device} root netem ${how}`.split(' ');
    await this.exec(netem(underlayInterface));
    await exec(['ip', 'netns', 'exec', `${this.#lab.prefix}-switch`, ...netem(this.port)]);
  }

  /** Gives the host another address on the underlay: within its prefix, or any other, which all then know. */
  async addAddress(address: string): Promise<void> {
    const v6 = address.includes(':');
    await this.ip(`address add ${address}/${v6 ? '128 nodad' : '32'} dev ${underlayInterface}`);
    for (const other of this.#lab.hosts) {
      if (other === this) continue;
      await other.ip(
        neighbour(address, this.hardwareAddress),
        `route replace ${address}/${v6 ? 128 : 32} dev ${underlayInterface}`,
      );
    }
  }

  /** Tells this host the hardware address of another, for good. */
  neighbours(others: readonly Host[]): string[] {
    return others.flatMap(({ address, hardwareAddress: hardware }) => [
      neighbour(address.v4, hardware),
      neighbour(address.v6, hardware),
    ]);
  }

  async #switchCommand(command: string): Promise<void> {
    await ipBatch(`${this.#lab.prefix}-switch`, [command]);
  }
}

/**
 * A neighbour that never has to be looked for: a dead host would otherwise be noticed by address resolution,
 * which no host on the Internet does for one that is far away.
 */
function neighbour(address: string, hardware: string): string {
  return `neighbour replace ${address} lladdr ${hardware} dev ${underlayInterface} nud permanent`;
}
