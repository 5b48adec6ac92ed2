/**
 * A number of 53 bits for a row of a request, for sets of millions of them: two multiplicative hashes of 32 bits (bryc's cyrb53). Two
 * million rows collide with a probability of one in four thousand, and then one row is not counted.
 */
export function rowKey(requestId: string, row: number): number {
  let [high, low] = [0xdeadbeef ^ row, 0x41c6ce57 ^ row];
  for (let index = 0; index < requestId.length; index += 1) {
    const code = requestId.charCodeAt(index);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return 4294967296 * (2097151 & low) + (high >>> 0);
}

const FREE = -1;

/** A set of row keys in one typed array: 16 to 32 bytes a key, where a `Set` of texts takes over a hundred. */
export class RowKeys {
  #slots = new Float64Array(1024).fill(FREE);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** False where the key was there already. */
  add(key: number): boolean {
    const slot = this.#slotOf(key);
    if (this.#slots[slot] === key) return false;
    this.#slots[slot] = key;
    this.#size += 1;
    if (this.#size * 2 > this.#slots.length) this.#grow();
    return true;
  }

  #slotOf(key: number): number {
    const slots = this.#slots;
    let slot = key % slots.length;
    while (slots[slot] !== FREE && slots[slot] !== key) slot = (slot + 1) % slots.length;
    return slot;
  }

  #grow(): void {
    const keys = this.#slots;
    this.#slots = new Float64Array(keys.length * 2).fill(FREE);
    for (const key of keys) if (key !== FREE) this.#slots[this.#slotOf(key)] = key;
  }
}
