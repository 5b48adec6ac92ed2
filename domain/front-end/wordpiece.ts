import { GramTable } from './gram-table.js';
import { combiningCharacters } from './normalize.js';
import { kindOf, READING, Readings, valueOf } from './readings.js';
import type { WordpieceFrontEnd } from './schema.js';

/** Token ids of several texts, one after the other: text i has those from `offsets[i]` to `offsets[i + 1]`. */
export interface TokenIds {
  readonly ids: Int32Array;
  readonly offsets: Int32Array;
}

/** Stands before what continues a word, in the table: no code point. */
const CONTINUES = 0x110000;

/**
 * Cuts texts into word pieces exactly as PyPI's `tokenizers` does with BERT's normalizer, pre-tokenizer and model; what looks like a
 * special token in a text is text.
 */
export class Wordpieces {
  readonly #frontEnd: WordpieceFrontEnd;
  readonly #readings: Readings;
  readonly #table = new GramTable();
  /** The entry of the table from which a word's second piece on is looked for; -1 where no piece continues a word. */
  readonly #continues: number;
  readonly #word: Int32Array;
  readonly #pieces: Int32Array;
  #wordLength = 0;
  #ids = new Int32Array(1_024);
  #length = 0;
  /** Where the text at work must end, before its last token. */
  #end = 0;

  /** @throws Error where a piece stands twice in the vocabulary, or where the order of accents that stay would count. */
  constructor(frontEnd: WordpieceFrontEnd) {
    this.#frontEnd = frontEnd;
    this.#readings = new Readings(frontEnd);
    this.#word = new Int32Array(frontEnd.maxWordLength);
    this.#pieces = new Int32Array(frontEnd.maxWordLength);
    for (const [id, piece] of frontEnd.vocabulary.entries()) {
      if (!this.#table.add(symbolsOf(piece, frontEnd.continuing), id + 1)) {
        throw new Error(`"${piece}" stands twice in the vocabulary`);
      }
    }
    this.#continues = this.#table.next(-1, CONTINUES);
    if (frontEnd.stripAccents) this.#refuseAccents();
  }

  encode(texts: readonly string[]): TokenIds {
    const offsets = new Int32Array(texts.length + 1);
    this.#length = 0;
    for (const [index, text] of texts.entries()) {
      this.#addText(text);
      offsets[index + 1] = this.#length;
    }
    return { ids: this.#ids.slice(0, this.#length), offsets };
  }

  #addText(text: string): void {
    const { maxTokens, tokens } = this.#frontEnd;
    while (this.#length + maxTokens > this.#ids.length) this.#grow();
    this.#end = this.#length + maxTokens - 1;
    this.#ids[this.#length++] = tokens.first;
    // all that follows the last token that has room changes nothing
    for (let index = 0; index < text.length && this.#length < this.#end; index++) {
      const point = text.codePointAt(index) ?? 0;
      if (point > 0xffff) index++;
      this.#take(this.#readings.of(point));
    }
    this.#endWord();
    this.#ids[this.#length++] = tokens.last;
  }

  #take(reading: number): void {
    switch (kindOf(reading)) {
      case READING.part:
        this.#addToWord(valueOf(reading));
        break;
      case READING.alone:
        this.#endWord();
        this.#addToWord(valueOf(reading));
        this.#endWord();
        break;
      case READING.space:
        this.#endWord();
        break;
      case READING.several:
        for (const part of this.#readings.list(reading)) this.#take(part);
        break;
    }
  }

  #addToWord(point: number): void {
    if (this.#wordLength < this.#word.length) this.#word[this.#wordLength] = point;
    this.#wordLength++;
  }

  #endWord(): void {
    if (this.#wordLength === 0) return;
    const found = this.#wordLength > this.#word.length ? 0 : this.#cut();
    if (found === 0) this.#addToken(this.#frontEnd.tokens.unknown);
    for (let index = 0; index < found; index++) this.#addToken(this.#pieces[index] ?? 0);
    this.#wordLength = 0;
  }

  /** Cuts the word into the longest pieces from its beginning on; 0 where a rest of it is no piece. */
  #cut(): number {
    let count = 0;
    let start = 0;
    while (start < this.#wordLength) {
      let entry = start === 0 ? -1 : this.#continues;
      let piece = 0;
      let end = start;
      if (start > 0 && entry < 0) return 0;
      for (let index = start; index < this.#wordLength; index++) {
        entry = this.#table.next(entry, this.#word[index] ?? 0);
        if (entry < 0) break;
        const term = this.#table.termAt(entry);
        if (term === 0) continue;
        piece = term;
        end = index + 1;
      }
      if (piece === 0) return 0;
      this.#pieces[count++] = piece - 1;
      start = end;
    }
    return count;
  }

  #addToken(id: number): void {
    if (this.#length < this.#end) this.#ids[this.#length++] = id;
  }

  #grow(): void {
    const larger = new Int32Array(this.#ids.length * 2);
    larger.set(this.#ids);
    this.#ids = larger;
  }

  /** Accents that are no nonspacing marks stay, in the canonical order: with one of them in the vocabulary there is no order. */
  #refuseAccents(): void {
    const stays = (character: string) => {
      const point = character.codePointAt(0) ?? 0;
      return combiningCharacters.has(point) && kindOf(this.#readings.of(point)) === READING.part;
    };
    const kept = new Set(
      this.#frontEnd.vocabulary.flatMap((piece) => Array.from(piece).filter(stays)),
    );
    if (kept.size > 1) {
      throw new Error(`the vocabulary holds combining characters: ${[...kept].join(', ')}`);
    }
  }
}

function symbolsOf(piece: string, continuing: string): readonly number[] {
  const isContinuing = piece.startsWith(continuing) && piece.length > continuing.length;
  const letters = isContinuing ? piece.slice(continuing.length) : piece;
  const points = Array.from(letters, (character) => character.codePointAt(0) ?? 0);
  return isContinuing ? [CONTINUES, ...points] : points;
}
