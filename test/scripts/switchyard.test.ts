import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const PROGRAM = fileURLToPath(new URL('../../scripts/switchyard.js', import.meta.url));
const CONFIG = fileURLToPath(
  new URL('../lifecycle/fixtures/switchyard.config.ts', import.meta.url),
);
const MODEL = 'killed-in-convert';

const verdictSchema = z.object({ verdict: z.string(), results: z.array(z.unknown()) });

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command as a user does. */
function switchyard(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [PROGRAM, ...args], (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

describe('switchyard', () => {
  let folder = '';
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'switchyard-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('says its version', async () => {
    const { code, stdout } = await switchyard('--version');
    assert.equal(code, 0);
    assert.match(stdout, /^\d+\.\d+\.\d+\n$/);
  });

  it('trains, converts and tests in a local folder, then tests the same file again', async function () {
    this.timeout(120_000);
    const out = join(folder, 'out');
    const trained = await switchyard('train', MODEL, '--local', '--config', CONFIG, '--out', out);
    assert.equal(trained.code, 0, trained.stderr);
    assert.match(trained.stderr, /parity: 0 of \d+ labels differ/);
    assert.match(trained.stdout, /^passed +accuracy is /m);

    const file = join(out, 'version', 'model.onnx');
    const rows = join(out, 'held-out.jsonl');
    const tested = await switchyard('test', file, '--config', CONFIG, '--rows', rows, '--json');
    assert.equal(tested.code, 0, tested.stderr);
    const { verdict, results } = verdictSchema.parse(JSON.parse(tested.stdout));
    assert.deepEqual({ verdict, gates: results.length }, { verdict: 'passed', gates: 2 });

    await writeFile(file, 'this is no model');
    const broken = await switchyard('test', file, '--config', CONFIG);
    assert.equal(broken.code, 1);
    assert.match(broken.stdout, /^failed +exceptions is 1 inputs/m);

    const again = await switchyard('train', MODEL, '--local', '--config', CONFIG, '--out', out);
    assert.deepEqual(
      [again.code, again.stderr],
      [1, `${out} is not empty: name an empty folder\n`],
    );
  });

  const wrong: readonly [string, readonly string[], RegExp][] = [
    [
      'a command that does not exist',
      ['tset'],
      /^there is no command "tset"; did you mean "test"\?$/m,
    ],
    ['a model that does not exist', ['train', 'tikets', '--local'], /did you mean "tickets"\?/],
    ['a file that does not exist', ['test', 'nope.onnx'], /^there is no file nope\.onnx$/m],
    [
      'an option that does not exist',
      ['test', 'x.onnx', '--row', 'y'],
      /^test has no option "--row"; did you mean "--rows"\?$/m,
    ],
    [
      'parameters that are no JSON',
      ['train', 'tickets', '--local', '--parameters', '{'],
      /takes one JSON object/,
    ],
    [
      'a configuration that does not exist',
      ['test', 'x.onnx', '--config', 'no.ts'],
      /no\.ts does not load/,
    ],
  ];
  for (const [what, args, sentence] of wrong) {
    it(`says in one sentence what is wrong with ${what}`, async () => {
      const { code, stdout, stderr } = await switchyard(...args);
      assert.notEqual(code, 0);
      assert.equal(stdout, '');
      assert.match(stderr, sentence);
      assert.doesNotMatch(stderr, /^ +at /m, 'no stack trace');
    });
  }
});
