import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { convertLocally } from '../../activities/convert.js';
import { resolveSpec } from '../../activities/resolve.js';
import { trainLocally } from '../../activities/retrain.js';
import { ChildModelRuntime } from '../../adapters/model-runtime/child-model-runtime.js';
import { assertDisjoint, parseRows, trainerRow } from '../../domain/dataset.js';
import { PortError } from '../../domain/failures.js';
import type { Row } from '../../domain/ports/dataset-source.js';
import type { ModelSpec, TimeCut } from '../../domain/spec.js';
import { loadProject, type Project } from '../../workers/project.js';
import { wireTrainer } from '../../workers/wire.js';
import { judgeLocally, verdictAnswer } from './gate-table.js';
import { defineCommand } from './terminal/define-command.js';
import { parseParameters } from './terminal/parameters.js';
import type { Terminal } from './terminal/terminal.js';
import { UsageError } from './terminal/usage-error.js';
import { typed } from './terminal/words.js';
import { measureLocally } from './test.js';

/** `switchyard train <model> --local`: retrain, convert and test in a local folder, by the stages' own code. */
export const runTrain = defineCommand({
  name: 'train',
  takes: '<model>',
  summary: 'trains, converts and tests in a local folder (--local), without Temporal',
  options: {
    local: { type: 'boolean', about: 'here; without it: npx switchyard start' },
    out: { type: 'string', value: 'FOLDER', about: 'an empty folder; .switchyard/local/<model>' },
    parameters: { type: 'string', value: 'JSON', about: 'overrides of the trainer’s parameters' },
    config: { type: 'string', value: 'FILE', about: 'the configuration; switchyard.config.ts' },
  },
  endsItself: true,
  run: async ({ values, words: [model = ''], terminal }) => {
    if (!values.local) {
      throw new UsageError(
        `train works with --local only; on the servers it is ${typed('start', model)}`,
      );
    }
    const parameters = parseParameters(values.parameters ?? '{}');
    const project = await loadProject(values.config ?? 'switchyard.config.ts');
    const { spec } = resolveSpec(project.models, { model, parameters });
    const place = await emptyPlace(values.out, join(project.root, '.switchyard', 'local', model));
    const rows = await takeRows(project, spec, place);
    const { file, parityHolds } = await trainAndConvert(project, spec, terminal, {
      place,
      ...rows,
    });
    const measured = await measureLocally(project, { spec, file, rows: rows.heldOut });
    const again = typed('test', file, '--model', model, '--rows', join(place, HELD_OUT));
    const answer = verdictAnswer(judgeLocally(spec, measured), [again, typed('start', model)]);
    return parityHolds ? answer : { ...answer, exitCode: 1 };
  },
});

const TRAIN = 'train.jsonl';
const HELD_OUT = 'held-out.jsonl';

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
  { say, interrupted: signal }: Terminal,
  given: { place: string; train: readonly Row[]; heldOut: readonly Row[] },
): Promise<{ file: string; parityHolds: boolean }> {
  const { place, heldOut } = given;
  const trainer = wireTrainer(project);
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
  if (conversion.twin?.kind === 'failed') say(`there is no twin: ${conversion.twin.reason}`);
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
