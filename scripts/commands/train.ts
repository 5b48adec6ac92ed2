import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { convertLocally } from '../../activities/convert.js';
import { resolveSpec } from '../../activities/resolve.js';
import { trainLocally } from '../../activities/retrain.js';
import { ChildModelRuntime } from '../../adapters/model-runtime/child-model-runtime.js';
import { assertDisjoint, parseRows, trainerRow } from '../../domain/dataset.js';
import { PortError } from '../../domain/failures.js';
import type { Row } from '../../domain/ports/dataset-source.js';
import {
  parametersSchema,
  type ModelSpec,
  type ParameterValue,
  type TimeCut,
} from '../../domain/spec.js';
import { loadProject, type Project } from '../../workers/project.js';
import { wireTrainer } from '../../workers/wire.js';
import { judgeLocally, report } from './gate-table.js';
import { measureLocally } from './test.js';

const OPTIONS = {
  local: { type: 'boolean', default: false },
  out: { type: 'string' },
  parameters: { type: 'string', default: '{}' },
  config: { type: 'string', default: 'switchyard.config.ts' },
  json: { type: 'boolean', default: false },
} as const;

/** `switchyard train <model> --local`: retrain, convert and test in a local folder, by the stages' own code. */
export async function runTrain(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: OPTIONS,
    allowPositionals: true,
  });
  const [model] = positionals;
  if (model === undefined) throw new PortError('InvalidRequest', 'name the model to train');
  if (!values.local) {
    throw new PortError(
      'InvalidRequest',
      'only --local training is done by this command; start a lifecycle for the rest',
    );
  }
  const project = await loadProject(values.config);
  const { spec } = resolveSpec(project.models, {
    model,
    parameters: parseParameters(values.parameters),
  });
  const place = await emptyPlace(values.out, join(project.root, '.switchyard', 'local', model));
  const rows = await takeRows(project, spec, place);
  const { file, parityHolds } = await trainAndConvert(project, spec, { place, ...rows });
  const measured = await measureLocally(spec, file, rows.heldOut);
  const code = report(judgeLocally(spec, measured), values.json);
  say(`again: npx switchyard test ${file} --model ${model} --rows ${join(place, HELD_OUT)}`);
  return parityHolds ? code : 1;
}

const TRAIN = 'train.jsonl';
const HELD_OUT = 'held-out.jsonl';

const say = (line: string) => process.stderr.write(`${line}\n`);

/** The folder to work in: the command's own is emptied, one that the user names must be empty. */
async function emptyPlace(named: string | undefined, own: string): Promise<string> {
  const place = resolve(named ?? own);
  if (named === undefined) await rm(place, { recursive: true, force: true });
  await mkdir(place, { recursive: true });
  if ((await readdir(place)).length === 0) return place;
  throw new PortError('InvalidRequest', `${place} is not empty: name an empty folder`);
}

async function takeRows(project: Project, spec: ModelSpec, place: string) {
  const train = await rowsOf(project, spec.train.source, spec.train.trainRows);
  const heldOut = await rowsOf(project, spec.train.source, spec.train.heldOutRows);
  assertDisjoint(
    train.map(({ id }) => id),
    heldOut.map(({ id }) => id),
  );
  await writeFile(join(place, TRAIN), jsonLines(train.map(trainerRow)));
  await writeFile(join(place, HELD_OUT), jsonLines(heldOut));
  return { train, heldOut };
}

async function trainAndConvert(
  project: Project,
  spec: ModelSpec,
  given: { place: string; train: readonly Row[]; heldOut: readonly Row[] },
): Promise<{ file: string; parityHolds: boolean }> {
  const { place, heldOut } = given;
  const trainer = wireTrainer(project);
  const { signal } = interruptible();
  say(`training on ${given.train.length} rows`);
  await trainLocally(
    { trainer },
    {
      spec,
      rows: join(place, TRAIN),
      directory: place,
      signal,
      onEvent: (event) => {
        if (event.event === 'progress') say(`${Math.round(event.done * 100)} % ${event.message}`);
        if (event.event === 'metric') say(`${event.name} ${event.value.toFixed(4)}`);
      },
    },
  );
  const output = join(place, 'version');
  await mkdir(output);
  const { conversion, report: parity } = await convertLocally(
    { trainer, runtime: new ChildModelRuntime() },
    { spec, heldOut, native: join(place, 'native'), output, scratch: place, signal },
  );
  say(
    `parity: ${parity.labelFlips} of ${parity.rows} labels differ, probabilities by up to ${parity.maxProbabilityDifference.toExponential(1)}`,
  );
  return { file: join(output, conversion.artifact), parityHolds: parity.passed };
}

async function rowsOf(project: Project, source: string, cut: TimeCut) {
  const rows = await project.sources[source]?.rows(cut);
  return parseRows(source, rows ?? [], cut);
}

const jsonLines = (rows: readonly unknown[]) =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join('');

function interruptible(): AbortController {
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort(new Error('interrupted')));
  return controller;
}

function parseParameters(text: string): Record<string, ParameterValue> {
  try {
    return parametersSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw new PortError('InvalidParameter', `--parameters takes one JSON object, not ${text}`, {
      cause,
    });
  }
}
