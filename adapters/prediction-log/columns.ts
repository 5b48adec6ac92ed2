import type { SchemaElement } from 'hyparquet';
import type { TensorData } from '../../domain/ports/model-runtime.js';
import { Runs } from './runs.js';

/** One cell; null: the row has none. */
export type Cell = string | number | bigint | null;

export type NumberData = Exclude<TensorData, readonly string[]>;

interface NamedColumn {
  readonly name: string;
  /** Its part of the Parquet schema: one element, or the three of a list. */
  readonly elements: readonly SchemaElement[];
}

/** Values, each once where it repeats, and for each row which it has: what a request's rows share costs nothing a row. */
export interface RepeatedColumn extends NamedColumn {
  readonly kind: 'repeated';
  readonly dictionary: readonly Cell[];
  /** Indexes into it, of the rows that have a value. */
  readonly indexes: Runs;
  /** Of each row, 1 where it has a value and 0 where it is null. */
  readonly present: Runs;
}

/** Numbers as they lie in memory: a value a row, or a list. */
export interface NumberColumn extends NamedColumn {
  readonly kind: 'numbers';
  /** Of one type, one behind the other. */
  readonly parts: readonly NumberData[];
  readonly rows: number;
  /** Dremel's levels of each value, nulls included. A row without a value has one of level 0. */
  readonly definition: Runs;
  /** Empty where a row has one value. */
  readonly repetition: Runs;
}

/** Anything else, such as texts: a value a row, null included; of a list the values of all rows, with a null for a row that has none. */
export interface ValueColumn extends NamedColumn {
  readonly kind: 'values';
  readonly data: readonly unknown[];
  /** Of a list: how many of them each row has, the null of a row without a list counted. */
  readonly lengths?: readonly number[];
}

/** One column of a file of the prediction log, as it is cheapest to write. */
export type LogColumn = RepeatedColumn | NumberColumn | ValueColumn;

/** Collects a column whose values repeat. */
export class RepeatedCells {
  readonly #dictionary: Cell[] = [];
  readonly #places = new Map<Cell, number>();
  readonly #indexes = new Runs();
  readonly #present = new Runs();

  add(value: Cell, rows: number): void {
    this.#present.add(value === null ? 0 : 1, rows);
    if (value !== null) this.#indexes.add(this.#placeOf(value), rows);
  }

  /** A value that no other request has, as far as is known: it is not looked for. */
  addNew(value: Cell, rows: number): void {
    this.#present.add(value === null ? 0 : 1, rows);
    if (value === null) return;
    this.#indexes.add(this.#dictionary.length, rows);
    this.#dictionary.push(value);
  }

  /** A word a row, each by its place among the words given. */
  addPlaces(places: Int32Array, words: readonly string[]): void {
    const own = words.map((word) => this.#placeOf(word));
    this.#present.add(1, places.length);
    for (const place of places) this.#indexes.add(own[place] ?? 0, 1);
  }

  #placeOf(value: Exclude<Cell, null>): number {
    const known = this.#places.get(value);
    if (known !== undefined) return known;
    const place = this.#dictionary.push(value) - 1;
    this.#places.set(value, place);
    return place;
  }

  column(name: string, elements: readonly SchemaElement[]): RepeatedColumn {
    const [indexes, present] = [this.#indexes, this.#present];
    return { kind: 'repeated', name, elements, dictionary: this.#dictionary, indexes, present };
  }
}

/** Collects a column of numbers. */
export class NumberCells {
  readonly #isList: boolean;
  readonly #parts: NumberData[] = [];
  readonly #definition = new Runs();
  readonly #repetition = new Runs();
  #rows = 0;

  constructor(isList: boolean) {
    this.#isList = isList;
  }

  /** Rows that have none. */
  addNulls(rows: number): void {
    this.#rows += rows;
    this.#definition.add(0, rows);
    if (this.#isList) this.#repetition.add(0, rows);
  }

  /** Values of requests with so many rows each, whose rows have so many values each. */
  add(data: NumberData, rows: readonly number[], widths: readonly number[]): void {
    this.#parts.push(data);
    for (let request = 0; request < rows.length; request++) {
      const [count = 0, width = 0] = [rows[request], widths[request]];
      this.#rows += count;
      if (!this.#isList) this.#definition.add(1, count);
      else this.#addLists(count, width);
    }
  }

  column(name: string, elements: readonly SchemaElement[]): NumberColumn {
    const [parts, rows] = [this.#parts, this.#rows];
    const [definition, repetition] = [this.#definition, this.#repetition];
    return { kind: 'numbers', name, elements, parts, rows, definition, repetition };
  }

  #addLists(rows: number, width: number): void {
    this.#definition.add(width === 0 ? 1 : 2, rows * Math.max(1, width));
    for (let row = 0; row < rows; row++) {
      this.#repetition.add(0, 1);
      this.#repetition.add(1, Math.max(0, width - 1));
    }
  }
}

/** A column of values as rows have them. */
export function columnOf(
  name: string,
  elements: readonly SchemaElement[],
  cells: readonly unknown[],
): ValueColumn {
  if (elements.length === 1) {
    return { kind: 'values', name, elements, data: cells.map((cell) => cell ?? null) };
  }
  const lists = cells.map((cell): unknown[] => (Array.isArray(cell) ? cell : [null]));
  const lengths = lists.map(({ length }) => length);
  return { kind: 'values', name, elements, data: lists.flat(), lengths };
}
