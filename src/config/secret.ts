const HIDDEN = '[secret]';

/**
 * A value that shows itself only to who asks for it by name. Printing it, logging an object that holds it, or turning
 * that into JSON gives "[secret]".
 */
export class Secret {
  readonly #value: string;

  constructor(value: string) {
    this.#value = value;
  }

  /** The value itself. The place that calls this answers for where it goes. */
  reveal(): string {
    return this.#value;
  }

  equals(other: Secret): boolean {
    return this.#value === other.#value;
  }

  toString(): string {
    return HIDDEN;
  }

  toJSON(): string {
    return HIDDEN;
  }

  /** What console.log and util.inspect show. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return `Secret ${HIDDEN}`;
  }
}
