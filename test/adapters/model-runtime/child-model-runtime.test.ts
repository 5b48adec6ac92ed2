import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { ChildModelRuntime } from '../../../adapters/model-runtime/child-model-runtime.js';
import type { ChildModel } from '../../../adapters/model-runtime/child-model.js';
import type { Tensor } from '../../../domain/ports/model-runtime.js';
import {
  floats,
  hungryModel,
  LABELS,
  logModel,
  loopModel,
  numericModel,
  textModel,
  writeModel,
} from '../../support/small-models.js';
import type { SmallModel } from '../../support/small-models.js';
import { until } from '../../serving/serving-rig.js';
import { temporaryFolder } from './temporary-folder.js';

const runtime = new ChildModelRuntime();
const MB = 1024 * 1024;

async function open(
  model: SmallModel,
  given: { memoryLimitBytes?: number; loadDeadlineMs?: number } = {},
): Promise<{ model: ChildModel } & AsyncDisposable> {
  await using folder = await temporaryFolder();
  await writeModel(model, folder.path);
  const opened = await runtime.open({
    directory: folder.path,
    artifact: 'model.onnx',
    manifest: model.manifest,
    memoryLimitBytes: 512 * MB,
    loadDeadlineMs: 20_000,
    ...given,
  });
  return { model: opened, [Symbol.asyncDispose]: () => opened.close() };
}

const texts = (...data: string[]): Tensor[] => [
  { name: 'text', datatype: 'BYTES', shape: [data.length], data },
];
const numbers = (...data: number[]): Tensor[] => [
  { name: 'x', datatype: 'FP32', shape: [data.length / 2, 2], data: Float32Array.from(data) },
];
const long = (name: string, value: bigint): Tensor[] => [
  { name, datatype: 'INT64', shape: [1], data: BigInt64Array.of(value) },
];

function output(outputs: readonly Tensor[], name: string): Tensor {
  const found = outputs.find((tensor) => tensor.name === name);
  assert.ok(found, `no output ${name}`);
  return found;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function firstLine(stream: Readable): Promise<string> {
  for await (const chunk of stream) return String(chunk);
  return '';
}

describe('ChildModelRuntime', () => {
  it('answers texts with labels and probabilities', async () => {
    await using opened = await open(textModel());
    const { outputs, computeMs } = await opened.model.infer(
      texts('My PARCEL is lost', 'password!', 'späti'),
    );
    assert.deepEqual(output(outputs, 'label').data, ['delivery', 'access', 'billing']);
    const probabilities = output(outputs, 'probabilities');
    assert.deepEqual(probabilities.shape, [3, LABELS.length]);
    assert.ok(Math.abs(Number(probabilities.data[2]) - 0.99933) < 1e-4);
    assert.ok(computeMs > 0);
    assert.ok(opened.model.loadMs > 0);
  });

  it('gives long batches back in the order of their rows', async () => {
    await using opened = await open(textModel());
    const rows = Array.from({ length: 3_000 }, (_, row) => {
      const word = ['refund', 'password', 'parcel'][row % 3] ?? '';
      return `${word} ${'späti поезд '.repeat(row % 7 === 0 ? 1 : 0)}${word} `.repeat(
        (row % 5) + 1,
      );
    });
    const whole = await opened.model.infer(texts(...rows));
    const labels = output(whole.outputs, 'label').data;
    assert.deepEqual(
      labels,
      rows.map((_, row) => LABELS[row % 3]),
    );
    const one = await opened.model.infer(texts(rows[1_234] ?? ''));
    assert.deepEqual(
      [...output(one.outputs, 'probabilities').data],
      [...output(whole.outputs, 'probabilities').data].slice(1_234 * 3, 1_235 * 3),
    );
  });

  it('answers numbers with the outputs of the graph', async () => {
    await using opened = await open(logModel());
    const { outputs } = await opened.model.infer(numbers(1, Math.E, 1, 1));
    assert.deepEqual(output(outputs, 'y').shape, [2, 2]);
    assert.ok(Math.abs(Number(output(outputs, 'y').data[1]) - 1) < 1e-6);
  });

  it('names the row whose answer is not a number', async () => {
    await using opened = await open(logModel());
    await assert.rejects(opened.model.infer(numbers(1, 1, 1, -1)), {
      type: 'InvalidInput',
      message: /row 1: .*"y" is NaN/,
      details: { row: 1, output: 'y' },
    });
    await assert.rejects(opened.model.infer(numbers(0, 1)), { message: /row 0: .*-Infinity/ });
  });

  const wrong: readonly (readonly [name: string, inputs: Tensor[], message: RegExp])[] = [
    ['no input', [], /"text" is given 0 times/],
    ['an input twice', [...texts('a'), ...texts('b')], /"text" is given 2 times/],
    ['an unknown input', [...texts('a'), ...long('other', 1n)], /no input "other"/],
    ['no row', texts(), /at least one row/],
    [
      'another type',
      [{ name: 'text', datatype: 'FP32', shape: [1], data: Float32Array.of(1) }],
      /is FP32/,
    ],
    [
      'another shape',
      [{ name: 'text', datatype: 'BYTES', shape: [1, 1], data: ['a'] }],
      /\[1, 1\]/,
    ],
  ];
  for (const [name, inputs, message] of wrong) {
    it(`refuses ${name} and goes on`, async () => {
      await using opened = await open(textModel());
      await assert.rejects(opened.model.infer(inputs), { type: 'InvalidInput', message });
      await opened.model.infer(texts('refund'));
    });
  }

  it('answers many requests at once, each with its own', async () => {
    await using opened = await open(textModel());
    const words = ['refund', 'password', 'parcel'];
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, index) => opened.model.infer(texts(words[index % 3] ?? ''))),
    );
    for (const [index, { outputs }] of answers.entries()) {
      assert.deepEqual(output(outputs, 'label').data, [LABELS[index % 3]]);
    }
  });

  it('ends a batch that takes too long, and its process', async () => {
    await using opened = await open(loopModel());
    const forEver = opened.model.infer(long('trips', 10n ** 15n), { timeoutMs: 200 });
    const behind = opened.model.infer(long('trips', 1n), { timeoutMs: 60_000 });
    await assert.rejects(forEver, { type: 'RuntimeTimeout', message: /within 200 ms/ });
    await assert.rejects(behind, { type: 'RuntimeCrashed' });
    assert.match(await opened.model.exited, /within 200 ms/);
    assert.equal(isAlive(opened.model.pid), false);
  });

  it('does not call a batch late that only waited for others', async () => {
    await using opened = await open(loopModel());
    const trips = 300_000n;
    const many = Array.from({ length: 8 }, () => opened.model.infer(long('trips', trips)));
    const alone = (await many[0])?.computeMs ?? 0;
    const last = opened.model.infer(long('trips', 1n), { timeoutMs: Math.max(50, alone) });
    await Promise.all([...many, last]);
  });

  it('ends a load that takes too long', async () => {
    await assert.rejects(open(textModel(), { loadDeadlineMs: 1 }), {
      type: 'RuntimeTimeout',
      message: /did not load within 1 ms/,
    });
  });

  it('refuses a batch that does not fit into memory, and answers the next', async () => {
    await using opened = await open(hungryModel());
    await assert.rejects(opened.model.infer(long('size', 10n ** 9n)), { type: 'OutOfMemory' });
    const { outputs } = await opened.model.infer(long('size', 1_000n));
    assert.deepEqual(output(outputs, 'sum').data, Float32Array.of(1_000));
  });

  it('keeps a process within its limit of memory', async () => {
    await using opened = await open(hungryModel(), { memoryLimitBytes: 160 * MB });
    await opened.model.infer(long('size', 5_000_000n));
    await assert.rejects(opened.model.infer(long('size', 30_000_000n)), { type: 'OutOfMemory' });
  });

  it('says that a limit is too low for Node.js itself', async () => {
    await assert.rejects(open(textModel(), { memoryLimitBytes: 10 * MB }), {
      type: 'OutOfMemory',
      message: /10485760 bytes is under the 67108864/,
    });
  });

  it('says that a limit is too low for the model', async () => {
    const values = Array.from({ length: 10_000_000 }, () => 1);
    const model = numericModel({
      input: { name: 'x', datatype: 'FP32', shape: [-1, 10_000_000] },
      output: { name: 'y', datatype: 'FP32', shape: [-1, 10_000_000] },
      constants: [floats('w', [10_000_000], values)],
      nodes: [{ type: 'Mul', inputs: ['x', 'w'], outputs: ['y'] }],
    });
    await assert.rejects(open(model, { memoryLimitBytes: 128 * MB }), {
      type: 'OutOfMemory',
      message: /"model\.onnx" does not load within its memory limit/,
    });
  });

  it('tells its memory', async () => {
    await using opened = await open(textModel());
    const { rssBytes, peakRssBytes } = await opened.model.memory();
    assert.ok(rssBytes > 20 * MB && rssBytes < 512 * MB, `${rssBytes}`);
    assert.ok(peakRssBytes >= rssBytes);
  });

  it('tells of a process that was killed, now and later', async () => {
    await using opened = await open(loopModel());
    const atWork = opened.model.infer(long('trips', 10n ** 15n));
    process.kill(opened.model.pid, 'SIGSEGV');
    await assert.rejects(atWork, { type: 'RuntimeCrashed', message: /SIGSEGV/ });
    await assert.rejects(opened.model.infer(long('trips', 1n)), {
      type: 'RuntimeCrashed',
      details: { code: null, signal: 'SIGSEGV', stderr: '', started: false },
    });
    await assert.rejects(opened.model.memory(), { type: 'RuntimeCrashed' });
    assert.match(await opened.model.exited, /SIGSEGV/);
  });

  it('ends its process on close', async () => {
    const { model } = await open(textModel());
    await model.close();
    assert.equal(await model.exited, 'closed');
    assert.equal(isAlive(model.pid), false);
    await assert.rejects(model.infer(texts('refund')), { type: 'RuntimeCrashed' });
  });

  it('gives a process no credential of its parent', async () => {
    process.env['AWS_SECRET_ACCESS_KEY'] ??= 'a secret';
    await using opened = await open(textModel());
    if (process.platform !== 'linux') return;
    const environment = await readFile(`/proc/${opened.model.pid}/environ`, 'latin1');
    assert.doesNotMatch(environment, /AWS|SECRET/);
  });

  it('ends with its parent, even in the middle of an endless graph', async () => {
    await using folder = await temporaryFolder();
    await writeModel(loopModel(), folder.path);
    const parent = spawn(
      process.execPath,
      ['--import', 'tsx', fileURLToPath(new URL('doomed-parent.ts', import.meta.url)), folder.path],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const pid = Number(await firstLine(parent.stdout));
    assert.ok(isAlive(pid));
    parent.kill('SIGKILL');
    await until(() => !isAlive(pid));
  });

  it('is of the installed version', async () => {
    const path = new URL('../../../node_modules/onnxruntime-node/package.json', import.meta.url);
    assert.ok((await readFile(path, 'utf8')).includes(`"version": "${runtime.version}"`));
  });
});
