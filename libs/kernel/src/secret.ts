const mask = '[secret]'

/** A value that refuses to be printed, logged or serialised (I12). `reveal` is the one way out, so that uses can be found. */
export class Secret {
  readonly #value: string
  constructor(value: string) {
    this.#value = value
  }
  reveal(): string {
    return this.#value
  }
  toString(): string {
    return mask
  }
  toJSON(): string {
    return mask
  }
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return mask
  }
}
