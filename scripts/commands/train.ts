import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { convertLocally } from '../../activities/convert.js';
import { findModel, resolveSpec } from '../../activities/resolve.js';
import { trainLocally } from '../../activities/retrain.js';
import { ChildModelRuntime } from '../../adapters/model-runtime/child-model-runtime.js';
import { assertDisjoint, parseRows } from '../../domain/dataset.js';
import { PortError } from '../../domain/failures.js';
import { parametersSchema, type ParameterValue, type TimeCut } from '../../domain/spec.js';
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
  findModel(project.models, model);
  const { spec } = resolveSpec(project.models, {
    model,
    parameters: parseParameters(values.parameters),
  });
  const place = resolve(values.out ?? join(project.root, '.switchyard', 'local', model));
  await rm(place, { recursive: true, force: true });
  const output = join(place, 'version');
  await mkdir(output, { recursive: true });
  const say = (line: string) => process.stderr.write(`${line}\n`);

  const train = await rowsOf(project, spec.train.source, spec.train.trainRows);
  const heldOut = await rowsOf(project, spec.train.source, spec.train.heldOutRows);
  assertDisjoint(
    train.map(({ id }) => id),
    heldOut.map(({ id }) => id),
  );
  const trainFile = join(place, 'train.jsonl');
  await writeFile(trainFile, jsonLines(train));
  await writeFile(join(place, 'held-out.jsonl'), jsonLines(heldOut));

  const trainer = wireTrainer(project);
  const { signal } = interruptible();
  say(`training on ${train.length} rows`);
  await trainLocally(
    { trainer },
    {
      spec,
      rows: trainFile,
      directory: place,
      signal,
      onEvent: (event) => {
        if (event.event === 'progress') say(`${Math.round(event.done * 100)} % ${event.message}`);
        if (event.event === 'metric') say(`${event.name} ${event.value.toFixed(4)}`);
      },
    },
  );
  const { conversion, report: parity } = await convertLocally(
    { trainer, runtime: new ChildModelRuntime() },
    { spec, heldOut, native: join(place, 'native'), output, scratch: place, signal },
  );
  say(
    `parity: ${parity.labelFlips} of ${parity.rows} labels differ, probabilities by up to ${parity.maxProbabilityDifference.toExponential(1)}`,
  );
  const file = join(output, conversion.artifact);
  const code = report(judgeLocally(spec, await measureLocally(spec, file, heldOut)), values.json);
  say(
    `again: npx switchyard test ${file} --model ${model} --rows ${join(place, 'held-out.jsonl')}`,
  );
  return parity.passed ? code : 1;
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
