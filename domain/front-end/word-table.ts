/** A word's hash begins with this, and takes up one UTF-16 code unit after the other. */
export const FIRST_HASH = 0x811c9dc5 | 0;

/** FNV-1a, over code units. */
export const hashOn = (hash: number, unit: number): number => Math.imul(hash ^ unit, 0x01000193);

/** Numbers an entry: a word's hash, where it begins and ends among all units, its place + 1 (0: a free entry). */
const FIELDS = 4;

/** Words by their hash, which whoever reads a text has at the end of each word: no string is made to look one up. */
export class WordTable {
  readonly #units: Uint16Array;
  readonly #entries: Int32Array;
  readonly #mask: number;

  /** @throws RangeError where a word stands twice. */
  constructor(words: readonly string[]) {
    this.#units = new Uint16Array(words.reduce((sum, { length }) => sum + length, 0));
    const slots = 2 ** Math.ceil(Math.log2(2 * words.length + 2));
    this.#entries = new Int32Array(FIELDS * slots);
    this.#mask = slots - 1;
    let used = 0;
    for (const [index, word] of words.entries()) {
      let hash = FIRST_HASH;
      for (let at = 0; at < word.length; at++) hash = hashOn(hash, word.charCodeAt(at));
      if (this.find(word, 0, word.length, hash) !== 0)
        throw new RangeError(`"${word}" stands twice`);
      for (let at = 0; at < word.length; at++) this.#units[used + at] = word.charCodeAt(at);
      this.#entries.set([hash, used, used + word.length, index + 1], this.#freeEntry(hash));
      used += word.length;
    }
  }

  /** The place of the text's word from `start` up to `end`, counted from 1; 0 where it is none of the words. */
  find(text: string, start: number, end: number, hash: number): number {
    const entries = this.#entries;
    let slot = slotOf(hash) & this.#mask;
    for (;;) {
      const entry = slot * FIELDS;
      const place = entries[entry + 3] ?? 0;
      if (place === 0 || (entries[entry] === hash && this.#isAt(entry, text, start, end)))
        return place;
      slot = (slot + 1) & this.#mask;
    }
  }

  #isAt(entry: number, text: string, start: number, end: number): boolean {
    const units = this.#units;
    let at = this.#entries[entry + 1] ?? 0;
    if ((this.#entries[entry + 2] ?? 0) - at !== end - start) return false;
    for (let index = start; index < end; index++, at++) {
      if (units[at] !== text.charCodeAt(index)) return false;
    }
    return true;
  }

  #freeEntry(hash: number): number {
    let slot = slotOf(hash) & this.#mask;
    while (this.#entries[slot * FIELDS + 3] !== 0) slot = (slot + 1) & this.#mask;
    return slot * FIELDS;
  }
}

/** The low bits of the hash alone depend on the low bits of the units alone. */
const slotOf = (hash: number): number => hash ^ (hash >>> 15);
