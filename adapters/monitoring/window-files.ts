import type { z } from 'zod';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import type { ListedWindow, WindowStore } from '../../domain/ports/monitoring.js';
import {
  windowAccuracySchema,
  windowSchema,
  type Window,
  type WindowAccuracy,
} from '../../domain/monitor/window.js';
import type { Span } from '../../domain/monitor/window-tally.js';
import { parseWindowKey, windowAccuracyKey, windowKey, windowsPrefix } from '../registry/keys.js';
import { encodeJson, missingObject, parseStored } from '../registry/stored-json.js';

const DAY_MS = 86_400_000;

/** Judged windows as objects, each written once: whoever judges it again finds the first judgement. */
export class WindowFiles implements WindowStore {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  async put(window: Window): Promise<Window> {
    const key = windowKey(window.model, Date.parse(window.from));
    return this.#putOnce(key, window, windowSchema);
  }

  async putAccuracy(judgement: WindowAccuracy): Promise<WindowAccuracy> {
    const key = windowAccuracyKey(judgement.model, Date.parse(judgement.from));
    return this.#putOnce(key, judgement, windowAccuracySchema);
  }

  async window(model: string, fromMs: number): Promise<Window | null> {
    const key = windowKey(model, fromMs);
    const stored = await this.#store.get(key);
    return stored === null ? null : parseStored(key, stored.bytes, windowSchema);
  }

  async list(model: string, { fromMs, untilMs }: Span): Promise<readonly ListedWindow[]> {
    const windows = new Map<number, boolean>();
    for (let day = Math.floor(fromMs / DAY_MS); day * DAY_MS < untilMs; day += 1) {
      const { objects } = await this.#store.list(windowsPrefix(model, new Date(day * DAY_MS)));
      for (const { key } of objects) {
        const parsed = parseWindowKey(model, key);
        if (parsed === null || parsed.fromMs < fromMs || parsed.fromMs >= untilMs) continue;
        const known = windows.get(parsed.fromMs) ?? false;
        windows.set(parsed.fromMs, known || parsed.isAccuracy);
      }
    }
    return [...windows]
      .sort(([one], [other]) => one - other)
      .map(([each, hasAccuracy]) => ({ fromMs: each, hasAccuracy }));
  }

  async #putOnce<T>(key: string, given: T, schema: z.ZodType<T>): Promise<T> {
    const result = await this.#store.put(key, encodeJson(schema.parse(given)), 'absent');
    if (result.kind === 'written') return given;
    const stored = await this.#store.get(key);
    if (stored === null) throw missingObject(key, 'it was removed just now; try again');
    return parseStored(key, stored.bytes, schema);
  }
}
