/**
 * A data pipeline with the ad predictor inside, on the servers that `switchyard dev` keeps open in another terminal: see README.md.
 * In a project of your own `openPredictor`, `ObjectRegistry`, `S3ObjectStore` and `requiredTrust` come from 'switchyard/serving'.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { S3ObjectStore } from '../../adapters/object-store/s3-object-store.js';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { findPlace } from '../../scripts/commands/terminal/place.js';
import { openPredictor } from '../../serving/open-predictor.js';
import { readDocuments } from './documents.js';
import { scoreDocuments, type Failed } from './score-documents.js';

const DOCUMENTS = 10_000;
/** What the model's process may take; a pipeline has little to spare, so a document of 28 MB finds no room. */
const MEMORY_MB = 128;

const folder = join('.switchyard', 'ads');
const file = join(folder, 'labels.jsonl');
await mkdir(folder, { recursive: true });

const { bucket } = await findPlace();
if (bucket === null) throw new Error('no bucket is named: set SWITCHYARD_BUCKET');
const predictor = await openPredictor('ads', {
  registry: new ObjectRegistry(new S3ObjectStore(bucket)),
  cacheDirectory: join(folder, 'models'),
  memoryLimitBytes: MEMORY_MB * 1024 * 1024,
  logsInputs: true,
});
const startedMs = performance.now();
const scored = await scoreDocuments(predictor, readDocuments(DOCUMENTS), file);
await predictor.close(); // now the prediction log has them all

const { documents, labels, versions, failed } = scored;
const seconds = ((performance.now() - startedMs) / 1_000).toFixed(1);
console.log(`${documents} documents in ${seconds} s, by ads version ${[...versions].join(', ')}`);
console.log(`in ${file}`);
for (const [label, count] of [...labels].sort()) console.log(`${label.padEnd(10)} ${count}`);
console.log(`${'failed'.padEnd(10)} ${failed.length}`);
for (const each of failed) console.log(traced(each));

function traced({ index, document, type, message, requestId, row }: Failed): string {
  const memory = type === 'OutOfMemory' ? ` --memory-mb ${MEMORY_MB}` : '';
  return [
    `\n${index}: ${document}; row ${row} of its request`,
    `${type}: ${message}`,
    `npx switchyard reproduce ${requestId} --model ads${memory}`,
  ].join('\n');
}
