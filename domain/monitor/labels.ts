import { z } from 'zod';
import { canonicalJson } from '../digest.js';
import { instantSchema } from '../names.js';
import { rowKey } from './row-keys.js';

/** Labels that one join looks at; the newest are kept. */
export const MAX_LABELS_JOINED = 1_000_000;

/** Labels of one object in the bucket. */
const LABELS_AN_OBJECT = 20_000;

/** What people say was right for a row of a request, after it was answered. */
export const labelSchema = z.strictObject({
  requestId: z.string().min(1, 'it is empty').max(1_000),
  /** Of the request's rows, from 0. */
  row: z.int().min(0).default(0),
  label: z.string().min(1, 'it is empty').max(200),
  /** When it was said; where left out, when it was added. The latest wins. */
  at: instantSchema.optional(),
});
export type Label = z.infer<typeof labelSchema>;

/** The bytes of label objects: canonical JSON lines, so that the same labels are the same object. */
export function encodeLabels(labels: readonly Label[]): readonly Uint8Array[] {
  const encoder = new TextEncoder();
  const objects: Uint8Array[] = [];
  for (let start = 0; start < labels.length; start += LABELS_AN_OBJECT) {
    const some = labels.slice(start, start + LABELS_AN_OBJECT);
    objects.push(encoder.encode(some.map((label) => `${canonicalJson(label)}\n`).join('')));
  }
  return objects;
}

/** The lines of a label object; a line that is none is left out. */
export function decodeLabels(bytes: Uint8Array): readonly Label[] {
  return new TextDecoder().decode(bytes).split('\n').flatMap(parseLabelLine);
}

function parseLabelLine(line: string): readonly Label[] {
  if (line === '') return [];
  try {
    const parsed = labelSchema.safeParse(JSON.parse(line));
    return parsed.success ? [parsed.data] : [];
  } catch {
    return []; // not JSON
  }
}

/** Labels by row; of several for one row the latest counts, and of the same instant the one that was added last. */
export class LabelTable {
  readonly #rows = new Map<number, { label: string; atMs: number }>();
  readonly #labels = new Map<string, string>();
  #conflicts = 0;

  get size(): number {
    return this.#rows.size;
  }

  /** How often two labels of one row differed. */
  get conflicts(): number {
    return this.#conflicts;
  }

  /** @param addedMs - When it was added. */
  add(given: Label, addedMs: number): void {
    const atMs = given.at === undefined ? addedMs : Date.parse(given.at);
    const key = rowKey(given.requestId, given.row);
    const before = this.#rows.get(key);
    if (before === undefined && this.#rows.size >= MAX_LABELS_JOINED) return;
    if (before !== undefined && before.label !== given.label) this.#conflicts += 1;
    if (before !== undefined && before.atMs > atMs) return;
    // one text a label, whatever the number of rows
    const label = this.#labels.get(given.label) ?? given.label;
    this.#labels.set(label, label);
    this.#rows.set(key, { label, atMs });
  }

  labelOf(requestId: string, row: number): string | undefined {
    return this.#rows.get(rowKey(requestId, row))?.label;
  }
}
