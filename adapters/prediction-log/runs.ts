import type { ByteWriter } from 'hyparquet-writer';

/** Small numbers that repeat, each with how often it stands there in a row. */
export class Runs {
  readonly #values: number[] = [];
  readonly #counts: number[] = [];
  #last = -1;
  #length = 0;
  #largest = 0;

  /** How many numbers there are, each as often as it stands there. */
  get length(): number {
    return this.#length;
  }

  get largest(): number {
    return this.#largest;
  }

  add(value: number, count: number): void {
    if (count === 0) return;
    this.#length += count;
    if (value === this.#last) {
      this.#counts[this.#counts.length - 1] = (this.#counts.at(-1) ?? 0) + count;
      return;
    }
    this.#values.push(value);
    this.#counts.push(count);
    this.#last = value;
    if (value > this.#largest) this.#largest = value;
  }

  /** Parquet's hybrid encoding, runs only: where values repeat as the rows of a request do, nothing is written for each. */
  writeTo(writer: ByteWriter, bitWidth: number): void {
    for (let run = 0; run < this.#values.length; run++) {
      writer.appendVarInt((this.#counts[run] ?? 0) << 1);
      let left = this.#values[run] ?? 0;
      for (let bit = 0; bit < bitWidth; bit += 8, left >>>= 8) writer.appendUint8(left & 0xff);
    }
  }
}

/** How many bits the numbers up to this one take; at least one. */
export const bitsFor = (largest: number): number => 32 - Math.clz32(largest | 1);
