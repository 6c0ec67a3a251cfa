// A kernel in which interfaces, their addresses and their WireGuard can be made, changed and refused, for tests of OwnInterface.
import { Kernel } from '../../src/daemon/kernel.js';
import { KernelTunnel } from '../../src/daemon/kernel-tunnel.js';
import type { Level } from '../../src/daemon/log.js';
import { OwnInterface } from '../../src/daemon/own-interface.js';
import type { Making } from '../../src/daemon/own-link.js';
import {
  type AddressSpec,
  type Link,
  type LinkChange,
  type LinkSpec,
  type MonitorHandlers,
  NetlinkError,
  type WireGuardConfig,
  type WireGuardDevice,
} from '../../src/netlink/index.js';
import { FakeTimers } from './fake-world.js';

const ENODEV = 19;
const EEXIST = 17;

/** So many turns of promises an event is late: some answers overtake it. */
const EVENTS_LATE = 20;

/** One of its interfaces. */
interface Held {
  link: Link;
  addresses: (AddressSpec & { readonly protocol: number })[];
  device: WireGuardDevice;
}

/** The interface `vpn` of a kernel, and the one that is under test, which keeps it. */
export class OwnInterfaceKernel {
  readonly timers = new FakeTimers();
  readonly log: string[] = [];
  /** Requests that change something. */
  readonly asked: string[] = [];
  /** Requests that are refused, by how they begin, with the number of the error. */
  readonly refuse = new Map<string, number>();
  /** Kernels before 5.18 have none. */
  knowsProtocols = true;
  /** What the link was, as the process sees it. */
  readonly states: string[] = [];
  /** Events are lost. */
  deaf = false;
  marks = 0;
  /** How often addresses were listed. */
  lists = 0;
  /** Called before a request is done. */
  before = (_what: string): void => {};
  held: Held | undefined;
  #handlers: MonitorHandlers | undefined;
  #index = 2;
  #tunnel: KernelTunnel | undefined;

  /** A process begins that keeps the interface. */
  async start(): Promise<OwnInterface> {
    const kernel = await Kernel.open(
      (error) => {
        throw error;
      },
      {
        wireguard: async () => this.#wireguard as never,
        rtnetlink: () => this.#rtnetlink as never,
        monitor: (handlers) => {
          this.#handlers = handlers;
          return { close: () => {} } as never;
        },
        after: (milliseconds, callback) => this.timers.after(milliseconds, callback),
      },
    );
    const watched = await kernel.watch('vpn');
    watched.onChange(() => this.states.push(watched.state));
    const tunnel = new KernelTunnel(kernel, watched);
    this.#tunnel = tunnel;
    const log = {
      write: (level: Level, subject: string, text: string) => this.log.push(`${level} ${subject}: ${text}`),
    };
    const shared = { log, timers: this.timers, random: { below: (bound: number) => bound - 1 } };
    return new OwnInterface(kernel, watched, tunnel, shared, () => this.marks++);
  }

  /** What the log has been told since this was last asked. */
  said(): string[] {
    return this.log.splice(0);
  }

  /** Somebody makes an interface of that name. */
  make(link: Partial<Link> = {}): void {
    const index = this.#index++;
    const made = { index, name: 'vpn', kind: 'wireguard', flags: 0, up: false, mtu: 1420, group: 0, ...link };
    this.held = {
      link: made,
      addresses: [],
      device: { index, name: 'vpn', listenPort: 0, fwmark: 0, peers: [] },
    };
    this.#tell((handlers) => handlers.link?.('new', made));
  }

  /** Somebody removes it. */
  delete(): void {
    const { held } = this;
    this.held = undefined;
    if (held !== undefined) this.#tell((handlers) => handlers.link?.('gone', held.link));
  }

  /** Somebody changes it. */
  change(link: Partial<Link>): void {
    const held = this.#must('change');
    const changed = { ...held.link, ...link };
    held.link = changed;
    this.#tell((handlers) => handlers.link?.('new', changed));
  }

  /** Somebody takes an address from it. */
  removeAddress(address: string): void {
    const held = this.#must('remove address');
    const gone = held.addresses.filter((one) => one.address === address);
    held.addresses = held.addresses.filter((one) => one.address !== address);
    for (const one of gone) this.#tell((handlers) => handlers.address?.('gone', one as never));
  }

  addAddress(address: string, prefixLength: number): void {
    const held = this.#must('add address');
    held.addresses.push({ interfaceIndex: held.link.index, address, prefixLength, protocol: 0 });
  }

  /** Somebody changes its WireGuard, and the selector looks at it. */
  async changeDevice(change: Partial<WireGuardDevice>): Promise<void> {
    const held = this.#must('change device');
    held.device = { ...held.device, ...change };
    await this.#tunnel?.device();
  }

  /** Its addresses as `ip` shows them. */
  get addresses(): string[] {
    return (this.held?.addresses ?? []).map(({ address, prefixLength }) => `${address}/${prefixLength}`);
  }

  /** An address of another interface comes. */
  addElsewhere(address: string): void {
    const elsewhere = { interfaceIndex: 4711, address, prefixLength: 32 };
    this.#tell((handlers) => handlers.address?.('new', elsewhere as never));
  }

  /** It is gone, and WireGuard says so before an event does. */
  async vanish(): Promise<void> {
    this.held = undefined;
    await this.#tunnel?.device();
  }

  /** Its addresses are gone, and so are the events that would tell. */
  loseAddresses(): void {
    this.#must('lose').addresses = [];
    this.#tell((handlers) => handlers.lost());
  }

  #get(): WireGuardDevice {
    this.before('get');
    return { ...this.#must('get').device };
  }

  #must(what: string): Held {
    if (this.held === undefined) throw new NetlinkError(ENODEV, what);
    return this.held;
  }

  /** Events come by another socket than answers, in their order, and later. */
  #tell(event: (handlers: MonitorHandlers) => void): void {
    const later = async (): Promise<void> => {
      for (let turn = 0; turn < EVENTS_LATE; turn++) await undefined;
      if (this.#handlers !== undefined && !this.deaf) event(this.#handlers);
    };
    void later();
  }

  #refused(what: string): void {
    for (const [begins, errno] of this.refuse)
      if (what.startsWith(begins)) throw new NetlinkError(errno, what);
  }

  #ask(what: string): void {
    this.asked.push(what);
    this.before(what);
    this.#refused(what);
  }

  readonly #rtnetlink = {
    link: async () => this.held?.link,
    addLink: async ({ name, ...rest }: LinkSpec) => {
      this.#ask(`add ${name}`);
      await new Promise((resolve) => setImmediate(resolve)); // it takes a while
      if (this.held !== undefined) throw new NetlinkError(EEXIST, `add ${name}`);
      this.make(rest);
    },
    changeLink: async (_index: number, { up, mtu }: LinkChange) => {
      this.#ask(up === undefined ? `mtu ${mtu}` : up ? 'up' : 'down');
      this.#must('change');
      this.change({ ...(up === undefined ? {} : { up }), ...(mtu === undefined ? {} : { mtu }) });
    },
    removeLink: async () => {
      this.#ask('delete');
      this.#must('delete');
      this.delete();
    },
    addresses: async () => {
      this.lists++;
      return [...(this.held?.addresses ?? [])];
    },
    addAddress: async (spec: AddressSpec) => {
      this.#ask(`add ${spec.address}/${spec.prefixLength}`);
      const held = this.#must('add address');
      const same = held.addresses.some(
        (one) =>
          one.address === spec.address &&
          (spec.address.includes(':') || one.prefixLength === spec.prefixLength),
      );
      if (same) throw new NetlinkError(EEXIST, `add ${spec.address}`);
      held.addresses.push({ ...spec, protocol: this.knowsProtocols ? (spec.protocol ?? 0) : 0 });
      this.#tell((handlers) => handlers.address?.('new', spec as never));
    },
    removeAddress: async (spec: AddressSpec) => {
      this.#ask(`remove ${spec.address}/${spec.prefixLength}`);
      this.removeAddress(spec.address);
    },
    close: () => {},
  };

  readonly #wireguard = {
    repeatedDevice: () => ({ again: () => undefined, ask: async () => this.#get() }),
    configure: async (_device: number, { privateKey, listenPort, fwmark }: WireGuardConfig) => {
      const words = [
        ...(privateKey == null ? [] : ['key']),
        ...(listenPort === undefined ? [] : [`port ${listenPort}`]),
        ...(fwmark === undefined ? [] : [`mark ${fwmark}`]),
      ];
      this.#ask(`set ${words.join(' ')}`);
      const held = this.#must('set');
      held.device = {
        ...held.device,
        ...(privateKey == null ? {} : { publicKey: `of ${privateKey.revealBase64()}` }),
        ...(listenPort === undefined ? {} : { listenPort }),
        ...(fwmark === undefined ? {} : { fwmark }),
      };
    },
    close: () => {},
  };
}

/** What an interface is to be like, with some things otherwise. */
export function making(privateKeyFile: string, change: Partial<Making> = {}): Making {
  return {
    ...{ privateKeyFile, mtu: 1420, listenPort: undefined, fwmark: undefined, otherMark: 0 },
    addresses: [{ address: '10.0.0.2', prefixLength: 32 }],
    ...change,
  };
}
