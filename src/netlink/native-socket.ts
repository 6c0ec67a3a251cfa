import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { NetlinkSocket, OpenSocket, SocketFeatures, SocketHandlers } from './socket.js';

/** The class of socket.c. */
interface Binding extends SocketFeatures {
  readonly port: number;
  /** @returns 0 or an error number */
  send(message: Uint8Array): number;
  /** Calls the handlers with what has come already. */
  receive(): void;
  setRef(on: boolean): void;
  close(): void;
}
type BindingClass = new (
  family: number,
  handlers: SocketHandlers,
  groups: readonly number[],
  receiveBufferBytes: number,
) => Binding;

/** Where netlink-socket.node is looked for: next to the file that runs (a bundle), then in dist/native. */
const PLACES = ['./netlink-socket.node', '../../native/netlink-socket.node'];

/** Null: it was looked for in vain. */
let binding: BindingClass | null | undefined;

/**
 * Loads the addon, the first time it is needed.
 *
 * One that is there and cannot be loaded (built for another machine, say) is as good as none, but not silently so: the
 * process warns of it once.
 */
function load(): BindingClass | null {
  if (binding !== undefined) return binding;
  binding = null;
  for (const place of PLACES) {
    const path = fileURLToPath(new URL(place, import.meta.url));
    if (!existsSync(path)) continue;
    const module: { exports: { NetlinkSocket?: BindingClass } } = { exports: {} };
    try {
      process.dlopen(module, path);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      process.emitWarning(`the netlink socket ${path} cannot be loaded, another takes its place: ${reason}`);
      continue;
    }
    binding = module.exports.NetlinkSocket ?? null;
    break;
  }
  return binding;
}

/**
 * Opens a socket of our own make (socket.c). Against the npm package's, it survives an overflow of its receive buffer and
 * reports it, asks the kernel for extended acknowledgements and strict dumps, and costs less.
 *
 * @returns undefined when it was not built
 * @throws an error with `errno` when the kernel refuses it
 */
export function openNativeSocket(
  ...[family, handlers, options = {}]: Parameters<OpenSocket>
): NetlinkSocket | undefined {
  const NativeSocket = load();
  if (NativeSocket === null) return undefined;
  const native = new NativeSocket(family, handlers, options.groups ?? [], options.receiveBufferBytes ?? 0);
  const { port, extendedAck, cappedAck, strictDump } = native;
  let open = true;
  return {
    port,
    features: { extendedAck, cappedAck, strictDump },
    send(message, failed) {
      const errno = native.send(message);
      if (errno === 0) return;
      process.nextTick(() => {
        if (open) failed(errno);
      });
    },
    receive: () => native.receive(),
    ref: () => native.setRef(true),
    unref: () => native.setRef(false),
    close() {
      open = false;
      native.close();
    },
  };
}
