/** Keeps the end of a stream: at most `limitBytes` bytes, however much comes. */
export class OutputTail {
  readonly #limitBytes: number;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  add(chunk: Buffer): void {
    const kept = chunk.subarray(Math.max(0, chunk.length - this.#limitBytes));
    this.#chunks.push(kept);
    this.#bytes += kept.length;
    // Joined only now and then, so that many small chunks do not cost a copy each.
    if (this.#bytes > 4 * this.#limitBytes || this.#chunks.length > 1000) this.#compact();
  }

  /** The kept end as text; a character cut at its start is left out. */
  text(): string {
    this.#compact();
    return Buffer.concat(this.#chunks)
      .toString('utf8')
      .replace(/^\ufffd+/, '');
  }

  #compact(): void {
    const all = Buffer.concat(this.#chunks);
    const kept = Buffer.from(all.subarray(Math.max(0, all.length - this.#limitBytes)));
    this.#chunks = [kept];
    this.#bytes = kept.length;
  }
}
