/** A small Internet in the kernel's namespaces: a router, gateways and a DNS server, all of them breakable. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname } from 'node:path';
import { hardwareAddress, underlayInterface } from './addresses.js';
import { type ConfigSpec, configText } from './config.js';
import { Daemon } from './daemon.js';
import { DnsServer } from './dns.js';
import { attempt, exec, ipBatch } from './exec.js';
import { Flow } from './flow.js';
import { Gateway } from './gateway.js';
import { Host } from './host.js';
import { processesIn } from './processes.js';
import { daemonProgram } from './program.js';
import { Router } from './router.js';
import { until } from './until.js';

/** What kind of world a test wants. */
export interface LabOptions {
  /** How many gateways; they are called gw1, gw2, … */
  readonly gateways: number;
  /** The router's WireGuard interfaces; default: `vpn`. They exist and are up. */
  readonly interfaces?: readonly string[];
}

/** How to start the daemon. */
export interface DaemonOptions {
  /** The file `wgpeerselector`; default: all gateways as peers of `vpn`. undefined in `files` writes none. */
  readonly config?: string;
  /** Other files of the configuration folder, by name. */
  readonly files?: Readonly<Record<string, string>>;
  /** Arguments besides `--config-dir`; default: `-i vpn`. */
  readonly args?: readonly string[];
  /** A program to run the daemon under: `['strace', …]`, `['setpriv', …]`. It has to become the daemon. */
  readonly under?: readonly string[];
  /** The daemon is shown in the lab's folder, for a user who may not enter the folders that it is in. */
  readonly withinReach?: boolean;
  /** Another program instead of the daemon, before its arguments. */
  readonly program?: readonly string[];
}

let labs = 0;

/** See the file's head. Make one with {@link Lab.create} and end it with {@link Lab.close}. */
export class Lab {
  readonly router: Router;
  readonly gateways: readonly Gateway[];
  readonly dns: DnsServer;
  readonly daemons: Daemon[] = [];
  /** For files; gone after `close`. */
  readonly folder: string;
  readonly prefix = `lab${process.pid}-${++labs}`;
  readonly hosts: Host[] = [];
  readonly processes = new Set<ChildProcessWithoutNullStreams>();

  private constructor(options: LabOptions, folder: string) {
    this.folder = folder;
    this.router = new Router(this, options.interfaces ?? ['vpn']);
    this.dns = new DnsServer(this);
    this.gateways = Array.from(
      { length: options.gateways },
      (_, at) => new Gateway(this, at + 1, this.router.interfaces),
    );
  }

  /** Makes a world; everything in it answers when this returns. */
  static async create(options: LabOptions): Promise<Lab> {
    const lab = new Lab(options, await mkdtemp(`${tmpdir()}/wgps-lab-`));
    try {
      await lab.writeResolvConf(lab.dns.resolvConf);
      await lab.writeHosts('');
      await lab.#join(
        [lab.router, lab.dns, ...lab.gateways],
        [lab.#switch],
        ['link add switch type bridge forward_delay 0 mcast_snooping 0', 'link set switch up'],
      );
      return lab;
    } catch (error) {
      await lab.close();
      throw error;
    }
  }

  /** The gateway of a public key, or with a name: `gw2`. */
  gateway(nameOrKey: string): Gateway {
    const found = this.gateways.find(({ name, publicKey }) => name === nameOrKey || publicKey === nameOrKey);
    if (found === undefined) throw new Error(`the lab has no gateway ${nameOrKey}`);
    return found;
  }

  /** Adds a host for some other service. Its number, 3 to 10, makes its address. */
  async addHost(name: string, number: number): Promise<Host> {
    const host = new Host(this, name, number);
    await this.#join([host]);
    return host;
  }

  /** An address that the router can send to, and at which nobody is. */
  async deadAddress(address: string): Promise<void> {
    const nobody = hardwareAddress(250);
    const length = address.includes(':') ? 128 : 32;
    await this.router.ip(
      `neighbour replace ${address} lladdr ${nobody} dev ${underlayInterface} nud permanent`,
      `route replace ${address}/${length} dev ${underlayInterface}`,
    );
  }

  /** The text of a configuration; by default with every gateway as a peer of `vpn`. */
  config(spec: Partial<ConfigSpec> = {}): string {
    return configText({ peers: this.gateways, ...spec });
  }

  /** Starts the daemon on the router. */
  async startDaemon(options: DaemonOptions = {}): Promise<Daemon> {
    const configDir = `${this.folder}/config${this.daemons.length}`;
    await mkdir(configDir);
    const files = { wgpeerselector: options.config ?? this.config(), ...options.files };
    for (const [name, text] of Object.entries(files)) await writeFile(`${configDir}/${name}`, text);
    const place = options.withinReach === true ? await this.#makePlace() : undefined;
    const child = this.router.run([
      ...this.#ownNames,
      ...(place?.under ?? []),
      ...(options.under ?? []),
      ...(place?.program ?? options.program ?? daemonProgram),
      ...(options.args ?? ['-i', 'vpn']),
      ...['--config-dir', configDir],
    ]);
    const daemon = new Daemon(child, configDir);
    this.daemons.push(daemon);
    return daemon;
  }

  /** Runs the daemon's program on the router to its end, as a person does who asks for something. */
  async command(
    args: readonly string[],
    { under = [], withinReach = false }: Pick<DaemonOptions, 'under' | 'withinReach'> = {},
  ): ReturnType<typeof attempt> {
    const place = withinReach ? await this.#makePlace() : { under: [], program: daemonProgram };
    return attempt([...this.router.entering, ...place.under, ...under, ...place.program, ...args]);
  }

  /** Starts a program on the router that resolves names as the daemon does. */
  runOnRouter(argv: readonly string[]): ChildProcessWithoutNullStreams {
    return this.router.run([...this.#ownNames, ...argv]);
  }

  /** Changes the router's /etc/resolv.conf, also for programs that run. It names the lab's DNS server otherwise. */
  async writeResolvConf(text: string): Promise<void> {
    await writeFile(`${this.folder}/resolv.conf`, text);
  }

  /** Changes the router's /etc/hosts, also for programs that run. It is empty otherwise. */
  async writeHosts(text: string): Promise<void> {
    await writeFile(`${this.folder}/hosts`, text);
  }

  /**
   * Starts a flow of echo requests from the router to a gateway's address inside the tunnel, or to another
   * address, and waits until the first is answered.
   *
   * @param interval milliseconds between two requests
   */
  async flow(to: Gateway | string, interval = 50): Promise<Flow> {
    const flow = new Flow(this.router, typeof to === 'string' ? to : to.inside.v4, interval);
    await flow.moves();
    return flow;
  }

  /** Gives a person a shell on the router, on our own terminal, and waits for its end. */
  async shell(): Promise<void> {
    const argv = [...this.#ownNames, 'bash', '--norc', '-i'];
    const child = spawn('ip', ['netns', 'exec', this.router.namespace, ...argv], {
      stdio: 'inherit',
      env: { ...process.env, PS1: 'router# ' },
    });
    await once(child, 'close');
  }

  /** Ends every process and removes every namespace of this lab. */
  async close(): Promise<void> {
    for (const child of this.processes) child.kill('SIGKILL');
    // Those that they started, too: a tracer that is killed leaves behind whom it traced.
    const namespaces = this.hosts.map(({ namespace }) => namespace);
    for (const pid of processesIn(namespaces)) process.kill(pid, 'SIGKILL');
    await until(() => this.processes.size === 0, { what: 'the processes of the lab to end' });
    const commands = [this.#switch, ...namespaces].map((name) => `netns delete ${name}\n`).join('');
    await exec(['ip', '-force', '-batch', '-'], commands).catch(() => {}); // some may never have been made
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The state that explains a failed test: daemons' logs, and the kernel's view of the router. */
  async describe(): Promise<string> {
    const tools = ['wg show all', 'ip -brief address', 'ip route show table all', 'ip -6 route'];
    const states = tools.map(async (tool) => {
      const said = await this.router.exec(tool.split(' ')).catch((error: Error) => error.message);
      return `router# ${tool}\n${said}`;
    });
    return [...this.daemons.map((daemon) => daemon.describe()), ...(await Promise.all(states))].join('\n');
  }

  get #switch(): string {
    return `${this.prefix}-switch`;
  }

  /**
   * Makes hosts and plugs them in. Each program that is started costs a tenth of a second in the virtual machine,
   * so commands go together as far as they can.
   *
   * @param moreNamespaces to make as well
   * @param before commands to give at the switch first
   */
  async #join(
    newcomers: readonly Host[],
    moreNamespaces: readonly string[] = [],
    before: readonly string[] = [],
  ): Promise<void> {
    const namespaces = [...moreNamespaces, ...newcomers.map(({ namespace }) => namespace)];
    const known = [...this.hosts];
    this.hosts.push(...newcomers);
    await exec(['ip', '-batch', '-'], namespaces.map((name) => `netns add ${name}\n`).join(''));
    const plug = newcomers.flatMap((host) => host.commandsAtSwitch());
    await ipBatch(this.#switch, [...before, ...plug]);
    await Promise.all([
      ...known.map((host) => host.ip(...host.neighbours(newcomers))),
      ...newcomers.map(async (host) => {
        const others = this.hosts.filter((other) => other !== host);
        await host.ip(...host.commandsAtHost(), ...host.neighbours(others));
        await host.finish();
      }),
    ]);
  }

  /**
   * Where everybody can reach node and the daemon, whatever folders they are in (a home that only its owner may enter): what to run a
   * program under so that it finds them there, and the beginning of its command line.
   */
  async #makePlace(): Promise<{ under: string[]; program: string[] }> {
    const place = await mkdtemp(`${this.folder}/place-`);
    await chmod(place, 0o755);
    const program: string[] = [];
    // In the mount namespace of that program alone, so that nobody who tidies up comes upon the real files.
    const mounts: string[] = [];
    for (const [at, file] of daemonProgram.entries()) {
      await mkdir(`${place}/${at}`);
      mounts.push(`mount --bind ${dirname(file)} "$0/${at}"`);
      program.push(`${place}/${at}/${basename(file)}`);
    }
    return { under: ['sh', '-c', `${mounts.join(' && ')} && exec "$@"`, place], program };
  }

  /** What to run a program of the router's under so that it resolves names as this lab has them. */
  get #ownNames(): string[] {
    // `ip netns exec` has made a mount namespace already.
    const mounts = 'mount --bind "$0/resolv.conf" /etc/resolv.conf && mount --bind "$0/hosts" /etc/hosts';
    return ['sh', '-c', `${mounts} && exec "$@"`, this.folder];
  }
}

/**
 * Gives a test a world, and ends it afterwards. If the test fails, prints what explains it.
 *
 * @example test('connects', () => withLab({ gateways: 3 }, async (lab) => { … }));
 */
export async function withLab<T>(options: LabOptions, work: (lab: Lab) => Promise<T>): Promise<T> {
  const lab = await Lab.create(options);
  try {
    return await work(lab);
  } catch (error) {
    process.stdout.write(`${await lab.describe()}\n`);
    throw error;
  } finally {
    await lab.close();
  }
}
