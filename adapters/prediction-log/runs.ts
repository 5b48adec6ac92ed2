import type { ByteWriter } from 'hyparquet-writer';

/** Small numbers that repeat, each with how often it stands there in a row. */
export class Runs {
  /** A number and its count, run after run. */
  #runs = new Int32Array(64);
  #used = 0;
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
      const before = this.#runs[this.#used - 1] ?? 0;
      this.#runs[this.#used - 1] = before + count;
      return;
    }
    if (this.#used === this.#runs.length) this.#grow();
    this.#runs[this.#used] = value;
    this.#runs[this.#used + 1] = count;
    this.#used += 2;
    this.#last = value;
    if (value > this.#largest) this.#largest = value;
  }

  /** Parquet's hybrid encoding, runs only: where values repeat as the rows of a request do, nothing is written for each. */
  writeTo(writer: ByteWriter, bitWidth: number): void {
    for (let run = 0; run < this.#used; run += 2) {
      writer.appendVarInt((this.#runs[run + 1] ?? 0) << 1);
      let left = this.#runs[run] ?? 0;
      for (let bit = 0; bit < bitWidth; bit += 8, left >>>= 8) writer.appendUint8(left & 0xff);
    }
  }

  #grow(): void {
    const larger = new Int32Array(2 * this.#runs.length);
    larger.set(this.#runs);
    this.#runs = larger;
  }
}

/** How many bits the numbers up to this one take; at least one. */
export const bitsFor = (largest: number): number => 32 - Math.clz32(largest | 1);
