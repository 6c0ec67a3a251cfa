/** The lab's DNS server: dnsmasq in a host of its own, authoritative for all names below `test`. */

import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { Host, type Surroundings } from './host.js';
import { patience, until } from './until.js';

/** A DNS server whose names can be changed, and which can stop answering in three ways. */
export class DnsServer extends Host {
  readonly #hostsFile: string;
  readonly #names = new Map<string, readonly string[]>();
  #process: ChildProcessWithoutNullStreams | undefined;
  #log = '';

  constructor(lab: Surroundings) {
    super(lab, 'dns', 2);
    this.#hostsFile = `${lab.folder}/dns-hosts`;
  }

  /** The text of a resolv.conf that names this server: one try, so that a dead server shows soon. */
  get resolvConf(): string {
    return `nameserver ${this.address.v4}\n`;
  }

  override async finish(): Promise<void> {
    await this.start();
  }

  /** Starts the server; it answers when this returns. */
  async start(): Promise<void> {
    await this.#writeHosts();
    this.#log = '';
    const child = this.run([
      ...[
        'dnsmasq',
        '--keep-in-foreground',
        '--no-daemon',
        '--conf-file=/dev/null',
        '--no-resolv',
        '--no-hosts',
      ],
      ...['--no-poll', '--local=/test/', `--addn-hosts=${this.#hostsFile}`, '--bind-interfaces'],
      ...[`--listen-address=${this.address.v4}`, `--listen-address=${this.address.v6}`],
    ]);
    this.#process = child;
    const hear = (text: string) => {
      this.#log += text;
    };
    child.stderr.setEncoding('utf8').on('data', hear);
    child.stdout.resume();
    // It opens its sockets before it reads the names.
    await this.#namesRead();
  }

  /** Ends the server: queries are refused at once (port unreachable). */
  async stop(): Promise<void> {
    const child = this.#process;
    if (child === undefined) return;
    this.#process = undefined;
    const closed = once(child, 'close');
    child.kill('SIGKILL');
    await closed;
  }

  /** Queries and answers are lost silently. */
  async mute(): Promise<void> {
    await this.kill();
  }

  /** Undoes {@link mute}. */
  async unmute(): Promise<void> {
    await this.revive();
  }

  /**
   * Sets the addresses of a name, of both families in one list; none removes the name.
   *
   * @param name below `test`: `gw1.test`
   */
  async set(name: string, addresses: readonly string[]): Promise<void> {
    this.#names.set(name, addresses);
    await this.#writeHosts();
    if (this.#process === undefined) return;
    this.#log = '';
    this.#process.kill('SIGHUP');
    await this.#namesRead();
  }

  async #writeHosts(): Promise<void> {
    const lines = [...this.#names].flatMap(([name, addresses]) =>
      addresses.map((address) => `${address} ${name}\n`),
    );
    await writeFile(this.#hostsFile, lines.join(''));
  }

  async #namesRead(): Promise<void> {
    await until(
      () => {
        if (this.#process?.exitCode !== null) throw new Error(`dnsmasq ended: ${this.#log}`);
        return this.#log.includes(`read ${this.#hostsFile}`);
      },
      { what: `dnsmasq to read its names (its log: ${this.#log})`, deadline: patience },
    );
  }
}
