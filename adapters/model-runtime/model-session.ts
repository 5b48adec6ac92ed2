import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { PortError } from '../../domain/failures.js';
import type { TensorSpec } from '../../domain/manifest.js';
import type { Tensor, TensorData } from '../../domain/ports/model-runtime.js';
import { createFrontEnd } from '../../domain/front-end/front-end.js';
import type { TextFrontEnd } from '../../domain/front-end/front-end.js';
import { frontEndSchema } from '../../domain/front-end/schema.js';
import { batchesOfInputs, batchesOfTexts, rowsOf } from './batches.js';
import type { Batch } from './batches.js';
import { checkSession, planOutputs } from './check-session.js';
import type { PlannedOutput } from './check-session.js';
import { inspectModelFile } from './inspect-model.js';
import { loadFailure } from './load-failure.js';
import type { SessionRequest } from './messages.js';
import { collectOutputs } from './outputs.js';

/** A loaded graph behind its front end, spoken to by the caller's contract. */
export class ModelSession {
  readonly #manifest: SessionRequest['manifest'];
  readonly #session: InferenceSession;
  readonly #frontEnd: TextFrontEnd | null;
  readonly #outputs: readonly PlannedOutput[];
  readonly #fetches: readonly string[];

  private constructor(given: {
    manifest: SessionRequest['manifest'];
    session: InferenceSession;
    frontEnd: TextFrontEnd | null;
    outputs: readonly PlannedOutput[];
  }) {
    this.#manifest = given.manifest;
    this.#session = given.session;
    this.#frontEnd = given.frontEnd;
    this.#outputs = given.outputs;
    this.#fetches = [...new Set(given.outputs.map(({ from }) => from))];
  }

  /** Inspects, loads, compares with the manifest and answers one row, so that the first caller finds it warm. */
  static async open(request: SessionRequest): Promise<ModelSession> {
    const { artifact, manifest } = request;
    const path = join(request.directory, artifact);
    const facts = inspectModelFile(path, artifact, request.maxModelBytes);
    const outputs = planOutputs(manifest);
    const frontEnd = readFrontEnd(request);
    // the inspected copy of the file is garbage now: it must not count against the memory limit while the graph loads
    globalThis.gc?.();
    const session = await createSession(path, request, facts.opsets.get('') ?? 0);
    checkSession(session, manifest.graph, artifact);
    const opened = new ModelSession({ manifest, session, frontEnd, outputs });
    await opened.#answer(opened.#warmUpBatches(), { isWarmUp: true });
    return opened;
  }

  /** @throws PortError `InvalidInput` for what the contract does not allow, and for answers that are no numbers. */
  async infer(inputs: readonly Tensor[]): Promise<Tensor[]> {
    const rows = rowsOf(inputs, this.#manifest.contract.inputs);
    const batches = this.#frontEnd
      ? batchesOfTexts(textsOf(inputs), this.#frontEnd)
      : batchesOfInputs(inputs, rows);
    return this.#answer(batches, { isWarmUp: false });
  }

  async #answer(batches: readonly Batch[], given: { isWarmUp: boolean }): Promise<Tensor[]> {
    const answers: { batch: Batch; results: Map<string, OrtTensor> }[] = [];
    for (const batch of batches) {
      const results = await this.#session.run(feedsOf(batch), [...this.#fetches]);
      answers.push({ batch, results: new Map(Object.entries(results).filter(isTensor)) });
    }
    return collectOutputs({
      answers,
      outputs: this.#outputs,
      labels: this.#manifest.contract.labels,
      mayBeNotANumber: given.isWarmUp,
    });
  }

  /** One row: what the front end warms a graph with, or zeros with every free dimension 1. */
  #warmUpBatches(): Batch[] {
    if (this.#frontEnd) return [{ inputs: this.#frontEnd.warmUp(), rows: 1, places: null }];
    const inputs = this.#manifest.contract.inputs.map((spec) => {
      const shape = spec.shape.map((dimension) => (dimension === -1 ? 1 : dimension));
      return {
        ...spec,
        shape,
        data: zeros(
          spec,
          shape.reduce((a, b) => a * b, 1),
        ),
      };
    });
    return [{ inputs, rows: 1, places: null }];
  }
}

function isTensor(entry: [string, unknown]): entry is [string, OrtTensor] {
  return entry[1] instanceof OrtTensor;
}

function readFrontEnd({ directory, manifest }: SessionRequest): TextFrontEnd | null {
  if (manifest.frontEnd === null) return null;
  const { kind, path } = manifest.frontEnd;
  try {
    const file: unknown = JSON.parse(readFileSync(join(directory, path), 'utf8'));
    const frontEnd = frontEndSchema.parse(file);
    if (frontEnd.kind !== kind) {
      throw new Error(`it is of the kind ${frontEnd.kind}, the manifest says ${kind}`);
    }
    return createFrontEnd(frontEnd, manifest.graph.inputs);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new PortError(
      'InvalidModelFile',
      `the front end "${path}" cannot be read: ${message.slice(0, 500)}`,
      { details: { path }, cause: error },
    );
  }
}

async function createSession(
  path: string,
  request: SessionRequest,
  opset: number,
): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(path, {
      intraOpNumThreads: request.threads,
      interOpNumThreads: 1,
      // an arena keeps what the largest batch once needed; without it memory follows the batches
      enableCpuMemArena: false,
      logSeverityLevel: 4,
    });
  } catch (error) {
    throw loadFailure(error, request.artifact, opset);
  }
}

function textsOf(inputs: readonly Tensor[]): readonly string[] {
  const data = inputs[0]?.data ?? [];
  if (ArrayBuffer.isView(data)) throw new PortError('InvalidInput', 'the input "text" is no text');
  return data;
}

function feedsOf(batch: Batch): Record<string, OrtTensor> {
  return Object.fromEntries(
    batch.inputs.map(({ name, shape, data }) => [name, ortTensor(data, shape)]),
  );
}

function ortTensor(data: TensorData, shape: readonly number[]): OrtTensor {
  if (data instanceof Float32Array) return new OrtTensor('float32', data, shape);
  if (data instanceof Int32Array) return new OrtTensor('int32', data, shape);
  if (data instanceof BigInt64Array) return new OrtTensor('int64', data, shape);
  return new OrtTensor('string', [...data], shape);
}

function zeros({ datatype }: TensorSpec, length: number): TensorData {
  switch (datatype) {
    case 'BYTES':
      return Array.from({ length }, () => '');
    case 'FP32':
      return new Float32Array(length);
    case 'INT32':
      return new Int32Array(length);
    case 'INT64':
      return new BigInt64Array(length);
    default:
      return datatype satisfies never;
  }
}
