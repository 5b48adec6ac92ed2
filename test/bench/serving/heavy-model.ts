import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { ROOT } from '../../../scripts/stack.js';
import { ELEMENT } from '../../support/onnx-builder.js';
import { floats, numericModel, writeModel, type SmallModel } from '../../support/small-models.js';
import { median } from '../rounds.js';
import type { VersionFiles } from './bench-models.js';

const HEAVY_FEATURES = 32;
const WIDTH = 1_024;
/** One row takes at least this long. */
const LEAST_MS = 20;
const FIRST_TRIPS = 40;
const CALLS = 15;

/** The heavy model's input, made up: so many rows. */
export const heavyRows = (rows: number): Float32Array =>
  Float32Array.from({ length: rows * HEAVY_FEATURES }, (_, index) => Math.sin(index));

/** A heavy model on the disk, and how long one row takes in a bare session of one thread. */
export interface HeavyModel extends VersionFiles {
  readonly file: string;
  readonly features: number;
  readonly callMs: number;
}

let made: Promise<HeavyModel> | undefined;

/** A network of dense layers, as deep as it takes for one row to cost 20 ms on this machine. */
export function heavyModel(): Promise<HeavyModel> {
  made ??= calibrate();
  return made;
}

async function calibrate(): Promise<HeavyModel> {
  let trips = FIRST_TRIPS;
  for (;;) {
    const model = network(trips);
    const callMs = await measureCall(model);
    if (callMs >= LEAST_MS) return write(model, callMs);
    trips = Math.ceil(trips * Math.max(1.02, (LEAST_MS * 1.05) / callMs));
  }
}

async function measureCall({ files }: SmallModel): Promise<number> {
  const session = await InferenceSession.create(files['model.onnx'] ?? new Uint8Array(), {
    ...{ intraOpNumThreads: 1, interOpNumThreads: 1 },
  });
  const feeds = { x: new Tensor('float32', heavyRows(1), [1, HEAVY_FEATURES]) };
  const times: number[] = [];
  for (let call = 0; call < CALLS; call += 1) {
    const startedMs = performance.now();
    await session.run(feeds);
    times.push(performance.now() - startedMs);
  }
  await session.release();
  return median(times.slice(5));
}

async function write(model: SmallModel, callMs: number): Promise<HeavyModel> {
  const folder = join(ROOT, '.switchyard/bench/serving/heavy');
  await mkdir(folder, { recursive: true });
  await writeModel(model, folder);
  const { manifest } = model;
  const file = join(folder, 'model.onnx');
  return { folder, files: ['model.onnx'], manifest, file, features: HEAVY_FEATURES, callMs };
}

/** The same hidden layer again and again, so that depth costs time and no memory: x -> (tanh(h W))^trips -> probabilities. */
function network(trips: number): SmallModel {
  const layer = { name: 'hidden', element: ELEMENT.FLOAT, shape: ['rows', WIDTH] };
  const flag = (name: string) => ({ name, element: ELEMENT.BOOL, shape: [] });
  const body = {
    inputs: [
      { name: 'step', element: ELEMENT.INT64, shape: [] },
      flag('keep'),
      { ...layer, name: 'before' },
    ],
    outputs: [flag('keep_on'), { ...layer, name: 'after' }],
    constants: [weights('layer', [WIDTH, WIDTH])],
    nodes: [
      { type: 'Identity', inputs: ['keep'], outputs: ['keep_on'] },
      { type: 'MatMul', inputs: ['before', 'layer'], outputs: ['product'] },
      { type: 'Tanh', inputs: ['product'], outputs: ['after'] },
    ],
  };
  return numericModel({
    input: { name: 'x', datatype: 'FP32', shape: [-1, HEAVY_FEATURES] },
    output: { name: 'probabilities', datatype: 'FP32', shape: [-1, 2] },
    constants: [
      weights('first', [HEAVY_FEATURES, WIDTH]),
      weights('last', [WIDTH, 2]),
      { name: 'trips', element: ELEMENT.INT64, shape: [], values: [trips] },
      { name: 'go', element: ELEMENT.BOOL, shape: [], values: [1] },
    ],
    nodes: [
      { type: 'MatMul', inputs: ['x', 'first'], outputs: ['wide'] },
      {
        ...{ type: 'Loop', inputs: ['trips', 'go', 'wide'], outputs: ['deep'] },
        graphs: { body },
      },
      { type: 'MatMul', inputs: ['deep', 'last'], outputs: ['scores'] },
      { type: 'Softmax', inputs: ['scores'], outputs: ['probabilities'], integers: { axis: -1 } },
    ],
  });
}

/** Numbers that look drawn at random and are always the same, scaled so that what the layers hand on neither dies nor saturates. */
function weights(name: string, shape: [number, number]) {
  const [rows, columns] = shape;
  const scale = 1.5 * Math.sqrt(12 / rows);
  const values = Array.from({ length: rows * columns }, (_, index) => {
    const drawn = Math.sin(index * 12.9898 + shape[0]) * 43_758.5453;
    return (drawn - Math.floor(drawn) - 0.5) * scale;
  });
  return floats(name, shape, values);
}
