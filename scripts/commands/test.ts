import { access, readdir } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { measureOwn } from '../../activities/measure-own.js';
import { measureSystem } from '../../activities/measure-system.js';
import { compareAnswers, compareRuns } from '../../activities/measure-twin.js';
import { readConversion } from '../../activities/convert.js';
import { findModel } from '../../activities/resolve.js';
import { predictRows } from '../../activities/test.js';
import { ChildModelRuntime } from '../../adapters/model-runtime/child-model-runtime.js';
import { runnableOf, twinOf } from '../../domain/conversion.js';
import { PortError } from '../../domain/failures.js';
import { ODD_TEXTS } from '../../domain/odd-texts.js';
import type { Row } from '../../domain/ports/dataset-source.js';
import { measureQuality } from '../../domain/quality.js';
import type { ModelSpec } from '../../domain/spec.js';
import { loadProject, type Project } from '../../workers/project.js';
import { judgeLocally, readRows, verdictAnswer, type LocallyMeasured } from './gate-table.js';
import { defineCommand } from './terminal/define-command.js';
import { typed } from './terminal/words.js';

/** `switchyard test <model.onnx>`: the test stage's own code on a local file. */
export const runTest = defineCommand({
  name: 'test',
  takes: '<model.onnx>',
  summary: 'the test stage’s measurements and gates on a converted model, without Temporal',
  more: [
    'Beside the file must lie model.json, and the front end it names, as the trainer kit writes them.',
  ],
  options: {
    model: { type: 'string', value: 'NAME', about: 'whose gates; the configuration’s first one' },
    rows: {
      type: 'string',
      value: 'FILE',
      about: 'held-out rows as JSON lines, for the gates on quality',
    },
    config: { type: 'string', value: 'FILE', about: 'the configuration; switchyard.config.ts' },
  },
  run: async ({ values, words: [file = ''] }) => {
    const project = await loadProject(values.config ?? 'switchyard.config.ts');
    const spec = findModel(project.models, values.model ?? Object.keys(project.models)[0] ?? '');
    const rows = values.rows === undefined ? [] : await readRows(values.rows);
    const local = judgeLocally(spec, await measureLocally(project, { spec, file, rows }));
    return verdictAnswer(local, [typed('start', spec.model)]);
  },
});

/**
 * Measures a converted model in a folder: how it runs, and with held-out rows how right it is; its twin, too, where the specification
 * asks for one and it lies beside it.
 */
export async function measureLocally(
  { metrics }: Pick<Project, 'metrics'>,
  { spec, file, rows }: { spec: ModelSpec; file: string; rows: readonly Row[] },
): Promise<LocallyMeasured> {
  const directory = dirname(resolve(file));
  await access(resolve(file)).catch((cause: unknown) => {
    throw new PortError('InvalidModelFile', `there is no file ${file}`, { cause });
  });
  const conversion = await readConversion(directory);
  const runtime = new ChildModelRuntime();
  const version = {
    directory,
    artifact: basename(file),
    manifest: runnableOf(conversion),
    memoryLimitBytes: spec.test.memoryLimitBytes,
  };
  const say = (message: string) => process.stderr.write(`${message} …\n`);
  const timed = rows.length > 0 ? rows : ODD_TEXTS;
  const measure = async (artifact: string) => {
    const one = { ...version, artifact };
    const { measurements: system } = await measureSystem(runtime, { ...one, rows: timed }, say);
    if (rows.length === 0) return { measurements: system, answers: null };
    say('held-out rows');
    const candidate = await predictRows(runtime, one, rows);
    const { resamples, confidence } = spec.test;
    const compared = { rows, candidate, baseline: null };
    const measurements = [
      ...system,
      ...measureQuality({ ...compared, resamples, confidence, seed: spec.train.seed }),
      ...(await measureOwn(metrics, { ...compared, spec })),
    ];
    return { measurements, answers: candidate };
  };
  const full = await measure(version.artifact);
  const files = await readdir(directory, { recursive: true });
  const known = twinOf(conversion, { asked: spec.convert.twin, files });
  if (known?.kind !== 'made' || version.artifact !== conversion.artifact) {
    return { full: full.measurements, offered: known, twin: null };
  }
  const twin = known.artifact;
  say(`the smaller twin, ${twin}`);
  const small = await measure(twin);
  const { measurements: compared } = await compareRuns(runtime, version, { twin, rows: timed });
  if (full.answers && small.answers) {
    compared.push(...compareAnswers(spec, { rows, full: full.answers, twin: small.answers }));
  }
  return { full: full.measurements, twin: { own: small.measurements, compared } };
}
