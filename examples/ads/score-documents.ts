import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type { Prediction, Predictor } from '../../serving/predictor.js';
import type { Document } from './documents.js';

/** A document without a label, and what it is found by. */
export interface Failed extends Pick<Prediction, 'index' | 'requestId' | 'row'> {
  readonly document: string;
  readonly type: string;
  readonly message: string;
}

export interface Scored {
  readonly documents: number;
  /** By label. */
  readonly labels: ReadonlyMap<string, number>;
  readonly versions: ReadonlySet<number>;
  readonly failed: readonly Failed[];
}

/** Asks the model about each document as it comes, and writes a line of JSON about each into a file. */
export async function scoreDocuments(
  predictor: Predictor,
  documents: AsyncIterable<Document>,
  file: string,
): Promise<Scored> {
  const labels = new Map<string, number>();
  const versions = new Set<number>();
  const failed: Failed[] = [];
  const ids: string[] = [];
  async function* rows(): AsyncGenerator {
    for await (const { id, document } of documents) {
      ids.push(id);
      yield document;
    }
  }
  async function* lines(): AsyncGenerator<string> {
    for await (const prediction of predictor.stream(rows())) {
      const { index, label, probability, version, requestId, row, error } = prediction;
      const document = ids[index] ?? '';
      versions.add(version);
      if (label !== null) labels.set(label, (labels.get(label) ?? 0) + 1);
      if (error !== null) failed.push({ ...{ index, document, requestId, row }, ...error });
      const about = { document, label, probability, version, requestId, row, error };
      yield `${JSON.stringify(about)}\n`;
    }
  }
  await pipeline(lines(), createWriteStream(file));
  return { documents: ids.length, labels, versions, failed };
}
