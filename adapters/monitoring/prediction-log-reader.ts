import type { ObjectStore } from '../../domain/ports/object-store.js';
import type { PredictionBatch, PredictionReader } from '../../domain/ports/monitoring.js';
import type { Span } from '../../domain/monitor/window-tally.js';
import { monitoredLines } from '../prediction-log/monitored-lines.js';
import { predictionsHourPrefix } from '../registry/keys.js';

const HOUR_MS = 3_600_000;

/** How many hours back an object may be keyed and still hold a window's lines: an endpoint keys a flush by its first line. */
const LATE_HOURS = 6;

/** Objects on their way at once. */
const READ_AHEAD = 4;

interface Found {
  readonly key: string;
  /** Whether it is keyed in an hour of the span itself. */
  readonly isOwn: boolean;
}

/** The prediction log as `serving/` writes it: `predictions/<model>/<date>/<hour>/<name>.parquet`. */
export class PredictionLogReader implements PredictionReader {
  readonly #store: ObjectStore;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  async *batches(model: string, span: Span): AsyncIterable<PredictionBatch> {
    const found = await this.#find(model, span);
    for (let start = 0; start < found.length; start += READ_AHEAD) {
      const some = found.slice(start, start + READ_AHEAD);
      const read = await Promise.all(some.map((each) => this.#read(each)));
      for (const batch of read) if (batch !== null) yield batch;
    }
  }

  /** The span's hours and their neighbours; of earlier ones what was written since the span began. */
  async #find(model: string, { fromMs, untilMs }: Span): Promise<readonly Found[]> {
    const found: Found[] = [];
    const first = Math.floor(fromMs / HOUR_MS);
    const last = Math.ceil(untilMs / HOUR_MS) - 1;
    for (let hour = first - LATE_HOURS; hour <= last + 1; hour += 1) {
      const prefix = predictionsHourPrefix(model, new Date(hour * HOUR_MS));
      const { objects } = await this.#store.list(prefix);
      const isOwn = hour >= first && hour <= last;
      for (const { key, modifiedAt } of objects) {
        const isNear = hour >= first - 1 || modifiedAt.getTime() >= fromMs;
        if (isNear) found.push({ key, isOwn });
      }
    }
    return found;
  }

  async #read({ key, isOwn }: Found): Promise<PredictionBatch | null> {
    const stored = await this.#store.get(key);
    if (stored === null) return null; // swept meanwhile
    const { lines, malformed } = await monitoredLines(stored.bytes);
    return { lines, malformed: isOwn ? malformed : 0 };
  }
}
