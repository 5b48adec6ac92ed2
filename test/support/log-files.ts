import { encodeRows } from '../../adapters/prediction-log/encode-rows.js';
import { bytesFile, readRows, type FileRow } from '../../adapters/prediction-log/parquet-file.js';
import { ChunkBuilder, type ChunkedRequest } from '../../adapters/prediction-log/row-chunk.js';
import type { PredictionLine } from '../../domain/monitor/prediction-line.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import type { RuntimeFacts } from '../../domain/runtime-facts.js';
import { aDigest } from '../../testing/builders.js';

export const A_RUNTIME: RuntimeFacts = {
  ...{ onnxruntime: '1.30.0', node: '20.20.2', platform: 'linux-x64', cpu: 'a processor' },
};

/** A request about one text, answered `yes`. */
export function aLogged(fields: Partial<ChunkedRequest> = {}, text = 'hello'): ChunkedRequest {
  return {
    ...{ requestId: 'r-1', at: new Date('2026-05-01T10:00:00Z'), version: 1, digest: aDigest(1) },
    ...{ artifact: 'model.onnx', customer: null, rows: 1, batchRows: 1 },
    inputs: [{ name: 'text', datatype: 'BYTES', shape: [1], data: [text] }],
    outputs: [
      { name: 'label', datatype: 'BYTES', shape: [1], data: ['yes'] },
      {
        ...{ name: 'probabilities', datatype: 'FP32', shape: [1, 2] },
        data: Float32Array.of(0.1, 0.9),
      },
    ],
    ...{ latencyMs: 1.5, error: null },
    ...fields,
  };
}

/** The request of which a line of the monitor comes. */
export function loggedLine(line: PredictionLine): ChunkedRequest {
  const { requestId, version, digest, label, probability, latencyMs, error } = line;
  const outputs = aLogged().outputs.map((tensor) =>
    tensor.name === 'label'
      ? { ...tensor, data: [label ?? ''] }
      : { ...tensor, shape: [1, 1], data: Float32Array.of(probability ?? 0) },
  );
  const about = { requestId, at: new Date(line.at), version, digest, latencyMs, error };
  return aLogged({ ...about, outputs: error === null ? outputs : [] });
}

/** A file of the log as the endpoint writes it, inputs and all. */
export function logFile(
  model: string,
  requests: readonly ChunkedRequest[],
  given: { includesInputs?: boolean; runtime?: RuntimeFacts } = {},
): Uint8Array {
  const { includesInputs = true, runtime = A_RUNTIME } = given;
  const builders: ChunkBuilder[] = [];
  for (const request of requests) {
    const known = builders.find((each) => each.fits(request));
    const builder = known ?? new ChunkBuilder(request, { includesInputs });
    builder.add(request, 0);
    if (known === undefined) builders.push(builder);
  }
  const chunks = builders.map((builder) => builder.finish()[0]);
  const [file, ...others] = encodeRows(chunks, { model, runtime });
  if (file === undefined || others.length > 0) throw new Error('these do not fit into one file');
  return file.bytes;
}

/** Rows of all files of a model's log. */
export async function loggedRows(store: ObjectStore, model: string): Promise<readonly FileRow[]> {
  const { objects } = await store.list(`predictions/${model}/`);
  const rows = await Promise.all(
    objects.map(async ({ key }) =>
      readRows(bytesFile((await store.get(key))?.bytes ?? new Uint8Array())),
    ),
  );
  return rows.flat();
}
