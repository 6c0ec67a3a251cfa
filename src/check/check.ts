import {
  type Config,
  ConfigFileError,
  loadConfig,
  loadNtpServers,
  type Problem,
  UciError,
} from '../config/index.js';
import { checkKernel, type KernelView, openKernelView } from './kernel.js';

/** What is to be checked. */
export interface CheckOptions {
  /** The directory with the files `wgpeerselector` and `system`. */
  readonly configDir: string;
  /** Only what concerns these interfaces; undefined for all that have peers. */
  readonly interfaces?: readonly string[] | undefined;
  /** How to look at the kernel; tests give another. */
  readonly openKernel?: () => Promise<KernelView>;
}

/**
 * Everything that is wrong with the configuration of this router or will not work, in the order of the files; what the kernel
 * has to say comes last.
 *
 * An `error` is something that does not work as it is written, though the daemon may serve other peers all the same. Nothing is
 * changed, and nothing that is found throws.
 */
export async function check(options: CheckOptions): Promise<Problem[]> {
  const config = read(options.configDir);
  if (!('problems' in config)) return [config];
  const names = options.interfaces ?? config.interfaceNames;
  const concerns = ({ ifname }: Problem): boolean =>
    options.interfaces === undefined || ifname === undefined || names.includes(ifname);
  const findings = config.problems.filter(concerns);
  findings.push(...withoutPeers(config, options.interfaces));
  const served = names.filter((name) => config.peers(name).length > 0);
  if (served.some((name) => config.interface(name).ntp)) {
    findings.push(...loadNtpServers(options.configDir).problems);
  }
  if (served.length > 0) {
    const kernel = await (options.openKernel ?? openKernelView)();
    try {
      findings.push(...(await checkKernel(config, served, kernel)));
    } finally {
      kernel.close();
    }
  }
  return findings;
}

function read(configDir: string): Config | Problem {
  try {
    return loadConfig(configDir);
  } catch (error) {
    if (error instanceof UciError) return about(error.file ?? '', error.line, error.reason);
    if (error instanceof ConfigFileError) {
      return about(error.file, undefined, error.message.slice(error.file.length + 2));
    }
    throw error;
  }
}

/**
 * An interface without a usable peer cannot be served, and a daemon without such an interface does not even start. What is wrong
 * with the settings of one has been told.
 */
function withoutPeers(config: Config, interfaces: readonly string[] | undefined): Problem[] {
  const expected = "expected at least one section 'config peer' with option enabled '1' and without fault";
  if (interfaces === undefined) {
    return config.served.length > 0 || config.unserved.size > 0
      ? []
      : [about(config.file, undefined, `has no usable peer: ${expected}`)];
  }
  return interfaces
    .filter((name) => !config.served.includes(name) && !config.unserved.has(name))
    .map((name) => about(config.file, undefined, `has no usable peer for interface ${name}: ${expected}`));
}

function about(file: string, line: number | undefined, message: string): Problem {
  return { severity: 'error', file, line, section: undefined, option: undefined, ifname: undefined, message };
}
