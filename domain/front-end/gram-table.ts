/**
 * Terms of one or more symbols (code points, or numbers of words) as paths from a root, in one hash table of integers: one
 * look-up a symbol, no string is made. A path ends where no term goes on, so most look-ups for long terms never happen.
 */
export class GramTable {
  /** Four numbers an entry: the node it leaves, the symbol, the node it leads to (0: a free entry), the term that ends there. */
  #entries = new Int32Array(4 * 1_024);
  #mask = 1_023;
  #nodes = 0;

  /** @returns false where the term was there before. */
  add(symbols: readonly number[], term: number): boolean {
    let node = 0;
    let entry = 0;
    for (const symbol of symbols) {
      entry = this.#entryFor(node, symbol);
      node = this.#entries[entry + 2] ?? 0;
    }
    if (this.termAt(entry) !== 0) return false;
    this.#entries[entry + 3] = term;
    return true;
  }

  /** The entry that leads on from the one given (-1: the root) by a symbol, -1 where none does. */
  next(from: number, symbol: number): number {
    const entries = this.#entries;
    const node = from < 0 ? 0 : (entries[from + 2] ?? 0);
    let slot = hash(node, symbol) & this.#mask;
    for (;;) {
      const entry = slot * 4;
      if (entries[entry + 2] === 0) return -1;
      if (entries[entry] === node && entries[entry + 1] === symbol) return entry;
      slot = (slot + 1) & this.#mask;
    }
  }

  /** The id of the term that ends at an entry, 0 where none does. */
  termAt(entry: number): number {
    return this.#entries[entry + 3] ?? 0;
  }

  #entryFor(node: number, symbol: number): number {
    const found = this.#slotOf(node, symbol);
    if (this.#entries[found + 2] !== 0) return found;
    if ((this.#nodes + 1) * 2 > this.#mask) {
      this.#grow();
      return this.#entryFor(node, symbol);
    }
    this.#nodes++;
    this.#entries.set([node, symbol, this.#nodes, 0], found);
    return found;
  }

  /** Where a node's symbol stands, or the free entry where it would. */
  #slotOf(node: number, symbol: number): number {
    let slot = hash(node, symbol) & this.#mask;
    while (this.#entries[slot * 4 + 2] !== 0) {
      if (this.#entries[slot * 4] === node && this.#entries[slot * 4 + 1] === symbol) break;
      slot = (slot + 1) & this.#mask;
    }
    return slot * 4;
  }

  #grow(): void {
    const old = this.#entries;
    this.#mask = this.#mask * 2 + 1;
    this.#entries = new Int32Array(4 * (this.#mask + 1));
    for (let entry = 0; entry < old.length; entry += 4) {
      if (old[entry + 2] === 0) continue;
      const slot = this.#slotOf(old[entry] ?? 0, old[entry + 1] ?? 0);
      this.#entries.set(old.subarray(entry, entry + 4), slot);
    }
  }
}

function hash(node: number, symbol: number): number {
  const mixed = Math.imul(node, 0x9e3779b1) ^ Math.imul(symbol, 0x85ebca6b);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
