import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Manifest, TensorSpec } from '../../domain/manifest.js';
import { ELEMENT, onnxModel } from './onnx-builder.js';
import type { Constant, Element, Graph } from './onnx-builder.js';

/** What `ModelRuntime.open` needs to know of a model, and its files' bytes. */
export interface SmallModel {
  readonly manifest: Pick<Manifest, 'contract' | 'frontEnd' | 'graph'>;
  readonly files: Readonly<Record<string, Uint8Array>>;
}

export const WORDS = ['refund', 'password', 'parcel', 'späti', 'поезд'] as const;
export const LABELS = ['billing', 'access', 'delivery'] as const;

/**
 * A text model that sends "refund" to billing, "password" to access and "parcel" to delivery. A word outweighs by e^8; with
 * `turn` 1 the labels move on by one, which makes versions that one can tell apart by their answers. `layers` of zeros cost time and
 * bytes and change no answer; `ballast` are numbers that cost bytes alone.
 */
export function textModel(
  given: { turn?: number; vocabulary?: readonly string[]; layers?: number; ballast?: number } = {},
): SmallModel {
  const { turn = 0, vocabulary = WORDS } = given;
  const classes = LABELS.length;
  const idle = idleLayers(given.layers ?? 0, given.ballast ?? 0);
  const weights = Array.from({ length: vocabulary.length + 1 }, (_, id) =>
    LABELS.map((_label, index) => (id > 0 && (id - 1 + turn) % classes === index ? 8 : 0)),
  ).flat();
  const graph: Graph = {
    inputs: [
      { name: 'ids', element: ELEMENT.INT32, shape: ['rows', 'words'] },
      { name: 'counts', element: ELEMENT.FLOAT, shape: ['rows', 'words'] },
    ],
    outputs: [{ name: 'probabilities', element: ELEMENT.FLOAT, shape: ['rows', classes] }],
    constants: [
      floats('table', [vocabulary.length + 1, classes], weights),
      integers('axis', [1], [1]),
      ...idle.constants,
    ],
    nodes: [
      { type: 'Gather', inputs: ['table', 'ids'], outputs: ['gathered'] },
      { type: 'Unsqueeze', inputs: ['counts', 'axis'], outputs: ['row'] },
      { type: 'MatMul', inputs: ['row', 'gathered'], outputs: ['product'] },
      { type: 'Squeeze', inputs: ['product', 'axis'], outputs: ['scores'] },
      ...idle.nodes,
      {
        type: 'Softmax',
        inputs: [idle.output],
        outputs: ['probabilities'],
        integers: { axis: -1 },
      },
    ],
  };
  return {
    manifest: {
      contract: {
        inputs: [{ name: 'text', datatype: 'BYTES', shape: [-1] }],
        outputs: [
          { name: 'label', datatype: 'BYTES', shape: [-1] },
          { name: 'probabilities', datatype: 'FP32', shape: [-1, classes] },
        ],
        labels: [...LABELS],
      },
      frontEnd: { kind: 'bag-of-words', path: 'front-end.json' },
      graph: graphOf(
        [
          { name: 'ids', datatype: 'INT32', shape: [-1, -1] },
          { name: 'counts', datatype: 'FP32', shape: [-1, -1] },
        ],
        [{ name: 'probabilities', datatype: 'FP32', shape: [-1, classes] }],
      ),
    },
    files: {
      'model.onnx': onnxModel(graph),
      'front-end.json': frontEnd(vocabulary),
    },
  };
}

const IDLE_WIDTH = 768;

/** Layers of zeros beside the scores, to which they are added. */
function idleLayers(
  layers: number,
  ballast: number,
): { constants: Constant[]; nodes: Graph['nodes'][number][]; output: string } {
  const zeros = (name: string, shape: number[]) =>
    floats(name, shape, new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(0));
  const constants = ballast === 0 ? [] : [zeros('ballast', [ballast])];
  if (layers === 0) return { constants, nodes: [], output: 'scores' };
  const widths = [LABELS.length, ...new Array<number>(layers).fill(IDLE_WIDTH), LABELS.length];
  const weights = widths.slice(1).map((width, layer) => ({
    ...{ name: `idle${layer}`, shape: [widths[layer] ?? 0, width] },
  }));
  const nodes = weights.map(({ name }, layer) => ({
    ...{ type: 'MatMul', outputs: [`${name}_out`] },
    inputs: [layer === 0 ? 'scores' : `idle${layer - 1}_out`, name],
  }));
  const sum = {
    ...{ type: 'Add', inputs: ['scores', `idle${layers}_out`], outputs: ['with_idle'] },
  };
  return {
    constants: [...constants, ...weights.map(({ name, shape }) => zeros(name, shape))],
    ...{ nodes: [...nodes, sum], output: 'with_idle' },
  };
}

/** Numbers in, their natural logarithm out: a negative one is no number. */
export function logModel(): SmallModel {
  return numericModel({
    input: { name: 'x', datatype: 'FP32', shape: [-1, 2] },
    output: { name: 'y', datatype: 'FP32', shape: [-1, 2] },
    constants: [],
    nodes: [{ type: 'Log', inputs: ['x'], outputs: ['y'] }],
  });
}

/** Loops as many times as its one INT64 says: with a zero (as in the warm-up) at once, with a trillion for hours. */
export function loopModel(): SmallModel {
  return numericModel({
    input: { name: 'trips', datatype: 'INT64', shape: [-1] },
    output: { name: 'done', datatype: 'INT64', shape: [-1] },
    constants: [
      integers('axes', [1], [0]),
      { name: 'go', element: ELEMENT.BOOL, shape: [], values: [1] },
    ],
    nodes: [
      {
        type: 'ReduceMax',
        inputs: ['trips', 'axes'],
        outputs: ['count'],
        integers: { keepdims: 0 },
      },
      { type: 'Loop', inputs: ['count', 'go', 'trips'], outputs: ['done'], graphs: { body: STEP } },
    ],
  });
}

/** A loop's body that hands its value on. */
const STEP: Graph = {
  inputs: [
    { name: 'step', element: ELEMENT.INT64, shape: [] },
    { name: 'keep', element: ELEMENT.BOOL, shape: [] },
    { name: 'before', element: ELEMENT.INT64, shape: ['rows'] },
  ],
  outputs: [
    { name: 'keep_on', element: ELEMENT.BOOL, shape: [] },
    { name: 'after', element: ELEMENT.INT64, shape: ['rows'] },
  ],
  nodes: [
    { type: 'Identity', inputs: ['keep'], outputs: ['keep_on'] },
    { type: 'Identity', inputs: ['before'], outputs: ['after'] },
  ],
};

/** Takes four bytes of memory for every one that its INT64 says. */
export function hungryModel(): SmallModel {
  return numericModel({
    input: { name: 'size', datatype: 'INT64', shape: [-1] },
    output: { name: 'sum', datatype: 'FP32', shape: [-1] },
    constants: [integers('axes', [1], [0])],
    nodes: [
      { type: 'ConstantOfShape', inputs: ['size'], outputs: ['zeros'] },
      { type: 'Exp', inputs: ['zeros'], outputs: ['ones'] },
      { type: 'ReduceSum', inputs: ['ones', 'axes'], outputs: ['sum'], integers: { keepdims: 1 } },
    ],
  });
}

/** One input, one output of the same rows, and no front end. */
export function numericModel(given: {
  input: TensorSpec;
  output: TensorSpec;
  constants: readonly Constant[];
  nodes: Graph['nodes'];
  opset?: number;
  domains?: readonly string[];
}): SmallModel {
  const { input, output, constants, nodes } = given;
  const graph: Graph = { inputs: [valueOf(input)], outputs: [valueOf(output)], constants, nodes };
  return {
    manifest: {
      contract: { inputs: [input], outputs: [output], labels: ['no', 'yes'] },
      frontEnd: null,
      graph: graphOf([input], [output]),
    },
    files: {
      'model.onnx': onnxModel(graph, {
        opset: given.opset ?? 18,
        domains: given.domains ?? [],
      }),
    },
  };
}

export function floats(name: string, shape: number[], values: readonly number[]): Constant {
  return { name, element: ELEMENT.FLOAT, shape, values };
}

function integers(name: string, shape: number[], values: readonly number[]): Constant {
  return { name, element: ELEMENT.INT64, shape, values };
}

export function frontEnd(vocabulary: readonly string[]): Uint8Array {
  return Buffer.from(
    JSON.stringify({
      schemaVersion: 1,
      kind: 'bag-of-words',
      lowercase: true,
      minTokenLength: 2,
      unicode: '14.0.0',
      vocabulary,
    }),
  );
}

/** Writes a model's files into a folder. */
export async function writeModel(model: SmallModel, directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  for (const [name, bytes] of Object.entries(model.files)) {
    await writeFile(join(directory, name), bytes);
  }
}

const ELEMENTS: Readonly<Record<TensorSpec['datatype'], Element>> = {
  BYTES: ELEMENT.STRING,
  FP32: ELEMENT.FLOAT,
  INT32: ELEMENT.INT32,
  INT64: ELEMENT.INT64,
};

function valueOf({ name, datatype, shape }: TensorSpec): Graph['inputs'][number] {
  return {
    name,
    element: ELEMENTS[datatype],
    shape: shape.map((size, axis) => (size === -1 ? (axis === 0 ? 'rows' : `free${axis}`) : size)),
  };
}

function graphOf(inputs: TensorSpec[], outputs: TensorSpec[]): Manifest['graph'] {
  return { inputs, outputs, opset: 18, irVersion: 10, producer: 'switchyard-tests' };
}
