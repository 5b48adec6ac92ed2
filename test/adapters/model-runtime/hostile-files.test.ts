import assert from 'node:assert/strict';
import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { ChildModelRuntime } from '../../../adapters/model-runtime/child-model-runtime.js';
import type { WordpieceFrontEnd } from '../../../domain/front-end/schema.js';
import { isPortError } from '../../../domain/failures.js';
import type { FailureType } from '../../../domain/failures.js';
import { ELEMENT, onnxModel } from '../../support/onnx-builder.js';
import {
  floats,
  frontEnd,
  logModel,
  numericModel,
  textModel,
  WORDS,
  writeModel,
} from '../../support/small-models.js';
import type { SmallModel } from '../../support/small-models.js';
import { temporaryFolder } from './temporary-folder.js';

const PIECES: WordpieceFrontEnd = {
  ...{ schemaVersion: 3, kind: 'wordpiece', unicode: '8.0.0', lowercase: true, continuing: '##' },
  ...{ stripAccents: true, maxTokens: 8, maxWordLength: 100, vocabulary: ['[PAD]', 'refund'] },
  tokens: { first: 0, last: 0, unknown: 0, padding: 0 },
};
const GOOD = textModel();
const GOOD_FILE = Buffer.from(GOOD.files['model.onnx'] ?? []);

const X = { name: 'x', datatype: 'FP32', shape: [-1, 2] } as const;
const Y = { name: 'y', datatype: 'FP32', shape: [-1, 2] } as const;
const numbers = {
  input: { ...X, shape: [-1, 2] },
  output: { ...Y, shape: [-1, 2] },
  constants: [],
};

function withFile(bytes: Uint8Array | string): SmallModel {
  return { ...GOOD, files: { ...GOOD.files, 'model.onnx': Buffer.from(bytes) } };
}

function withGraph(model: SmallModel, graph: Partial<SmallModel['manifest']['graph']>): SmallModel {
  const { manifest } = model;
  return { ...model, manifest: { ...manifest, graph: { ...manifest.graph, ...graph } } };
}

function withContract(
  model: SmallModel,
  contract: Partial<SmallModel['manifest']['contract']>,
): SmallModel {
  const { manifest } = model;
  return { ...model, manifest: { ...manifest, contract: { ...manifest.contract, ...contract } } };
}

/** Keeps its one weight in a file beside it, or anywhere on the disk. */
function externalModel(location: string): SmallModel {
  return numericModel({
    ...numbers,
    constants: [{ ...floats('w', [2], [1, 1]), external: location }],
    nodes: [{ type: 'Mul', inputs: ['x', 'w'], outputs: ['y'] }],
  });
}

function operatorModel(type: string, given: { domain?: string; opset?: number } = {}): SmallModel {
  const { domain = '', opset = 18 } = given;
  return numericModel({
    ...numbers,
    nodes: [{ type, inputs: ['x'], outputs: ['y'], domain }],
    domains: domain === '' ? [] : [domain],
    opset,
  });
}

const CASES: readonly (readonly [
  name: string,
  model: SmallModel,
  type: FailureType,
  message: RegExp,
])[] = [
  ['an empty file', withFile(''), 'InvalidModelFile', /"model\.onnx" is empty/],
  ['one byte', withFile(Buffer.of(8)), 'InvalidModelFile', /truncated/],
  ['a truncated file', withFile(GOOD_FILE.subarray(0, -40)), 'InvalidModelFile', /truncated/],
  [
    'half a file',
    withFile(GOOD_FILE.subarray(0, GOOD_FILE.length / 2)),
    'InvalidModelFile',
    /truncated/,
  ],
  ['text', withFile('a model, honestly\n'.repeat(40)), 'InvalidModelFile', /is text/],
  ['a web page', withFile('<!DOCTYPE html><title>404</title>'), 'InvalidModelFile', /web page/],
  [
    'a Git LFS pointer',
    withFile('version https://git-lfs.github.com/spec/v1\noid sha256:00\n'),
    'InvalidModelFile',
    /Git LFS pointer/,
  ],
  ['a zip archive', withFile('PK\u0003\u0004\u0014'.repeat(30)), 'InvalidModelFile', /zip archive/],
  [
    'a pickle',
    withFile(Buffer.from([0x80, 4, 0x95, 10, 0, 0, 0, 0, 0, 0, 0])),
    'InvalidModelFile',
    /a pickle/,
  ],
  ['zeros', withFile(Buffer.alloc(4_096)), 'InvalidModelFile', /no ONNX model/],
  ['a model without a graph', withFile(Buffer.of(8, 10)), 'InvalidModelFile', /no graph/],
  ['messages nested without end', withFile(nested(200)), 'InvalidModelFile', /nest deeper than 64/],
  [
    'a graph whose node lacks its input',
    numericModel({ ...numbers, nodes: [{ type: 'Log', inputs: ['z'], outputs: ['y'] }] }),
    'InvalidModelFile',
    /onnxruntime-node refuses/,
  ],
  [
    'values in a file beside it',
    externalModel('weights.bin'),
    'InvalidModelFile',
    /"w".*external data/,
  ],
  [
    'values in /etc/passwd',
    externalModel('../../../../etc/passwd'),
    'InvalidModelFile',
    /external data/,
  ],
  [
    'an operator of an unknown domain',
    operatorModel('Evil', { domain: 'com.evil' }),
    'UnsupportedOperator',
    /"Evil" of the domain "com\.evil"/,
  ],
  [
    'an operator that does not exist',
    operatorModel('Frobnicate'),
    'UnsupportedOperator',
    /"Frobnicate".*opset 18/,
  ],
  [
    'an opset of the future',
    operatorModel('Log', { opset: 99 }),
    'UnsupportedOperator',
    /opset 99/,
  ],
  [
    'an IR version of the future',
    {
      ...logModel(),
      files: {
        'model.onnx': onnxModel(
          {
            inputs: [{ name: 'x', element: ELEMENT.FLOAT, shape: ['n', 2] }],
            outputs: [{ name: 'y', element: ELEMENT.FLOAT, shape: ['n', 2] }],
            nodes: [{ type: 'Log', inputs: ['x'], outputs: ['y'] }],
          },
          { irVersion: 99 },
        ),
      },
    },
    'InvalidModelFile',
    /IR version/,
  ],
  [
    'an input of another name',
    { ...logModel(), manifest: withInput({ ...X, name: 'z', shape: [-1, 2] }) },
    'ContractMismatch',
    /has the input "x", which the manifest does not name/,
  ],
  [
    'an input of another type',
    { ...logModel(), manifest: withInput({ ...X, datatype: 'INT64', shape: [-1, 2] }) },
    'ContractMismatch',
    /input "x" is FP32 in the model file .* expected INT64/,
  ],
  [
    'an input of another shape',
    { ...logModel(), manifest: withInput({ ...X, shape: [-1, 3] }) },
    'ContractMismatch',
    /input "x" has the shape \[-1, 2\] .* expected \[-1, 3\]/,
  ],
  [
    'an output that the graph does not have',
    withGraph(logModel(), { outputs: [{ name: 'other', datatype: 'FP32', shape: [-1, 2] }] }),
    'ContractMismatch',
    /promises the output "y"/,
  ],
  [
    'another number of labels than probabilities',
    withContract(GOOD, { labels: ['one', 'two'] }),
    'ContractMismatch',
    /"probabilities" has the shape \[-1, 3\] .* expected \[-1, 2\]/,
  ],
  [
    'a text model without a front end',
    { ...GOOD, manifest: { ...GOOD.manifest, frontEnd: null } },
    'ContractMismatch',
    /"text"/,
  ],
  [
    'a broken front end',
    { ...GOOD, files: { ...GOOD.files, 'front-end.json': Buffer.from('{}') } },
    'InvalidModelFile',
    /front end "front-end\.json"/,
  ],
  [
    'a graph without the tokens that its front end gives',
    {
      ...GOOD,
      manifest: { ...GOOD.manifest, frontEnd: { kind: 'wordpiece', path: 'front-end.json' } },
    },
    'ContractMismatch',
    /the graph has the input "ids", which the front end does not name/,
  ],
  [
    'a front end of another kind than the manifest says',
    { ...GOOD, files: { ...GOOD.files, 'front-end.json': Buffer.from(JSON.stringify(PIECES)) } },
    'InvalidModelFile',
    /it is of the kind wordpiece, the manifest says bag-of-words/,
  ],
  [
    'a front end that knows more words than the graph',
    {
      ...GOOD,
      manifest: GOOD.manifest,
      files: { ...GOOD.files, 'front-end.json': frontEnd([...WORDS, 'beyond']) },
    },
    'InvalidModelFile',
    /Gather/,
  ],
];

/** Asks for a terabyte as soon as it is loaded: its one constant is computed ahead. */
const GREEDY = numericModel({
  ...numbers,
  constants: [{ name: 'shape', element: ELEMENT.INT64, shape: [1], values: [2 ** 38] }],
  nodes: [
    { type: 'ConstantOfShape', inputs: ['shape'], outputs: ['zeros'] },
    { type: 'ReduceSum', inputs: ['zeros'], outputs: ['sum'] },
    { type: 'Add', inputs: ['x', 'sum'], outputs: ['y'] },
  ],
});

function withInput(
  input: SmallModel['manifest']['graph']['inputs'][number],
): SmallModel['manifest'] {
  const { manifest } = logModel();
  return {
    ...manifest,
    contract: { ...manifest.contract, inputs: [input] },
    graph: { ...manifest.graph, inputs: [input] },
  };
}

/** Graphs in attributes in nodes in graphs…; each level wraps the one inside. */
function nested(depth: number): Buffer {
  let message: Buffer = Buffer.alloc(0);
  for (let level = 0; level < depth; level++) {
    for (const field of [6, 5, 1]) message = wrapped(field, message);
  }
  return Buffer.concat([Buffer.of(8, 10), wrapped(7, message)]);
}

function wrapped(field: number, message: Buffer): Buffer {
  const length = [];
  for (let rest = message.length; ; rest >>= 7) {
    length.push(rest > 0x7f ? (rest & 0x7f) | 0x80 : rest);
    if (rest <= 0x7f) break;
  }
  return Buffer.concat([Buffer.of(field * 8 + 2, ...length), message]);
}

describe('ChildModelRuntime with a hostile model file', () => {
  const runtime = new ChildModelRuntime({ maxModelBytes: 1024 * 1024 });
  const open = (directory: string, model: SmallModel) =>
    runtime.open({
      directory,
      artifact: 'model.onnx',
      manifest: model.manifest,
      memoryLimitBytes: 512 * 1024 * 1024,
      loadDeadlineMs: 20_000,
    });

  for (const [name, model, type, message] of CASES) {
    it(`refuses ${name} by name`, async () => {
      await using folder = await temporaryFolder();
      await writeModel(model, folder.path);
      await assert.rejects(open(folder.path, model), (error) => {
        assert.ok(isPortError(error));
        assert.equal(error.type, type, error.message);
        assert.match(error.message, message);
        return true;
      });
    });
  }

  it('refuses a small file that asks for a terabyte', async () => {
    await using folder = await temporaryFolder();
    await writeModel(GREEDY, folder.path);
    await assert.rejects(open(folder.path, GREEDY), { type: 'OutOfMemory' });
  });

  it('refuses a file over the limit without reading it', async () => {
    await using folder = await temporaryFolder();
    await writeModel(GOOD, folder.path);
    await truncate(join(folder.path, 'model.onnx'), 40 * 1024 ** 3);
    await assert.rejects(open(folder.path, GOOD), {
      type: 'InvalidModelFile',
      message: /42949672960 bytes, over the limit of 1048576 bytes/,
    });
  });

  it('refuses a file that is not there', async () => {
    await using folder = await temporaryFolder();
    await assert.rejects(open(folder.path, GOOD), { type: 'InvalidModelFile' });
  });
});
