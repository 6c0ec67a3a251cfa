// What comes out of the guest through a virtio-serial port: bytes, then a line that marks their end.

/** Passes a stream's bytes on as they come, up to the end mark, which is taken off. */
export class EndMarked {
  #mark;
  #take;
  #held = Buffer.alloc(0);
  /** @type {() => void} */
  #finish = () => {};

  /**
   * @param {string} mark the line that ends the stream, without its newline
   * @param {(data: Buffer) => void} take
   */
  constructor(mark, take) {
    this.#mark = Buffer.from(`${mark}\n`);
    this.#take = take;
    /** Fulfilled when the end mark has come. @type {Promise<void>} */
    this.ended = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  /** @param {import('node:net').Socket} socket */
  readFrom(socket) {
    socket.on('data', (data) => this.#push(data));
  }

  /** @param {Buffer} data */
  #push(data) {
    const all = Buffer.concat([this.#held, data]);
    const at = all.indexOf(this.#mark);
    // Until the mark is complete, as much is held back as could be its beginning.
    const certain = at === -1 ? all.length - this.#beginningAtEnd(all) : at;
    if (certain > 0) this.#take(all.subarray(0, certain));
    this.#held = at === -1 ? all.subarray(certain) : Buffer.alloc(0);
    if (at !== -1) this.#finish();
  }

  /** @param {Buffer} all @returns {number} how many of the last bytes are a beginning of the mark */
  #beginningAtEnd(all) {
    for (let length = Math.min(this.#mark.length - 1, all.length); length > 0; length--) {
      if (all.subarray(all.length - length).equals(this.#mark.subarray(0, length))) return length;
    }
    return 0;
  }
}
