// What Node has for everybody and QuickJS has not, as much as src uses. The first that runs in the bundle.

class Signal {
  aborted = false;
  #listeners: (() => void)[] = [];

  addEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.push(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners = this.#listeners.filter((each) => each !== listener);
  }

  abort(): void {
    if (this.aborted) return;
    this.aborted = true;
    for (const listener of this.#listeners.splice(0)) listener();
  }
}

class Controller {
  readonly signal = new Signal();

  abort(): void {
    this.signal.abort();
  }
}

Object.assign(globalThis, { AbortController: Controller });

// QuickJS 2025-04-26 makes a negative number of what has its highest bit set.
if (BigInt.asUintN(64, 1n << 63n) < 0n) {
  BigInt.asUintN = (bits, value) => value & ((1n << BigInt(bits)) - 1n);
}
