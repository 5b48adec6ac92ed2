import { z } from 'zod';
import { describeIssues } from './describe-issues.js';
import { durationMs } from './duration.js';
import { PortError, type FailureType } from './failures.js';
import { nearestName } from './nearest-name.js';
import { durationSchema, nameSchema } from './names.js';
import type { DatasetSource } from './ports/dataset-source.js';
import type { Target } from './ports/target.js';
import type { Trainer } from './ports/trainer.js';
import { builtInMetric, METRIC_NAMES } from './metrics.js';
import { ownMetricOf, projectMetricSchema } from './project-metric.js';
import { parseModelSpec, type ModelSpec, type ModelSpecInput } from './spec.js';

/** The reconciler's shortest pause. */
const SHORTEST_TICK_MS = 1_000;

/** The target that every project has. */
const ENDPOINT = 'endpoint';

const datasetSourceSchema = z.custom<DatasetSource>(
  (value) => hasMethods(value, ['rows']),
  'a data source has a method rows(cut)',
);

const trainerSchema = z.union([
  /** A locked uv project and the script that it runs, relative to the configuration file. */
  z.strictObject({ project: z.string(), script: z.string() }),
  z.custom<Trainer>(
    (value) => hasMethods(value, ['identify', 'run']),
    'a trainer is { project, script }, or an object with the methods identify and run',
  ),
]);

const targetSchema = z.custom<Target>(
  (value) => hasMethods(value, ['serving']),
  'a target has a method serving(given)',
);

const projectSchema = z.strictObject({
  models: z.array(z.custom<ModelSpecInput>()).min(1),
  /** How models are trained, by the name that `train.trainer` gives. */
  trainers: z.record(nameSchema, trainerSchema),
  /** Where rows come from, by the name that `train.source` gives. */
  sources: z.record(nameSchema, datasetSourceSchema),
  /** Where models serve beside the endpoint, by the name that `deploy.target` gives. */
  targets: z.record(nameSchema, targetSchema).default({}),
  /** What gates may measure beside the built-in metrics, by the name that a gate's `metric` gives. */
  metrics: z.record(nameSchema, projectMetricSchema).default({}),
  /**
   * A file of workflows of the project's own, composed of the stages that `switchyard/workflows` exports; relative to the
   * configuration file. The ready workflows are there too.
   */
  workflows: z.string().min(1).optional(),
  /** How often what is half done is looked for, at most every second; false: never by itself. */
  reconcile: z
    .union([
      z.strictObject({
        every: durationSchema.refine(isPatient, 'it is at least 1 second'),
      }),
      z.literal(false),
    ])
    .default({ every: '1 minute' }),
  /** Whom to tell: a command (no shell) or a webhook; the log, where neither is given. */
  notify: z
    .union([
      z.strictObject({ command: z.tuple([z.string()], z.string()) }),
      z.strictObject({ webhook: z.url() }),
    ])
    .optional(),
});

/** What `switchyard.config.ts` exports as default: models, and what the names in them stand for on a worker. */
export type ProjectInput = z.input<typeof projectSchema>;

/** A checked project: every model complete, every name known. */
export interface CheckedProject extends Omit<z.output<typeof projectSchema>, 'models'> {
  readonly models: Readonly<Record<string, ModelSpec>>;
}

/**
 * A model's specification, checked at once and with every default filled in, for `models` of a project.
 * @throws PortError `InvalidSpec`, whose sentence names every problem, and for a wrong key the nearest right one.
 */
export function defineModel(input: ModelSpecInput): ModelSpec {
  return parseModelSpec(input);
}

/**
 * A project, checked at once, for `export default` in `switchyard.config.ts`.
 * @throws PortError `InvalidSpec`, `UnknownTrainer`, `UnknownDataSource` or `UnknownTarget`, with the nearest right name.
 */
export function defineProject(input: ProjectInput): ProjectInput {
  parseProject(input, 'the project');
  return input;
}

/**
 * Checks a project and completes its models.
 * @param place - What sentences call it: its file.
 * @throws PortError as `defineProject` does.
 */
export function parseProject(input: unknown, place: string): CheckedProject {
  const parsed = projectSchema.safeParse(input);
  if (!parsed.success) {
    const problems = describeIssues(projectSchema, parsed.error).join('; ');
    throw new PortError('InvalidSpec', `${place} is wrong: ${problems}`);
  }
  const builtIn = Object.keys(parsed.data.metrics).find((name) => builtInMetric(name));
  if (builtIn !== undefined) {
    throw new PortError(
      'InvalidSpec',
      `${place}: "${builtIn}" is a built-in metric; choose another name`,
    );
  }
  const models: Record<string, ModelSpec> = {};
  for (const each of parsed.data.models) {
    const spec = completed(parseModelSpec(each), parsed.data, place);
    if (Object.hasOwn(models, spec.model)) {
      throw new PortError('InvalidSpec', `${place} has two models named "${spec.model}"`);
    }
    models[spec.model] = spec;
  }
  const project = { ...parsed.data, models };
  for (const spec of Object.values(models)) checkReferences(place, spec, project);
  return project;
}

type Parts = Omit<z.output<typeof projectSchema>, 'models'>;

/** With what the project says of the names in it: the cuts of a source, and what its own metrics are. */
function completed(spec: ModelSpec, { sources, metrics }: Parts, place: string): ModelSpec {
  const { train, test } = spec;
  const gates = test.gates.map((gate) => {
    const defined = Object.hasOwn(metrics, gate.metric) ? metrics[gate.metric] : undefined;
    return defined === undefined ? gate : { ...gate, own: ownMetricOf(defined) };
  });
  const known = [...METRIC_NAMES, ...Object.keys(metrics)];
  const unknown = gates.find(({ metric }) => !known.includes(metric));
  if (unknown !== undefined) {
    const nearest = nearestName(unknown.metric, known);
    const hint = nearest === null ? '' : `, did you mean "${nearest}"?`;
    throw new PortError(
      'InvalidSpec',
      `${place}: model "${spec.model}" has a gate on "${unknown.metric}", which is no metric${hint}`,
      { details: { model: spec.model, metric: unknown.metric, known } },
    );
  }
  const makesCuts = [train.trainRows, train.heldOutRows].some(({ from, until }) => from ?? until);
  const source = Object.hasOwn(sources, train.source) ? sources[train.source] : undefined;
  const cuts = makesCuts ? undefined : source?.cuts;
  return parseModelSpec({
    ...spec,
    train: { ...train, ...(cuts && { trainRows: cuts.train, heldOutRows: cuts.heldOut }) },
    test: { ...test, gates },
  });
}

function checkReferences(place: string, spec: ModelSpec, project: CheckedProject): void {
  const { model, train, deploy } = spec;
  const check = (type: FailureType, kind: string, name: string, known: readonly string[]) => {
    if (known.includes(name)) return;
    const nearest = nearestName(name, known);
    const hint =
      nearest === null
        ? ` (there is ${known.join(', ') || 'none'})`
        : `, did you mean "${nearest}"?`;
    throw new PortError(
      type,
      `${place}: model "${model}" names the ${kind} "${name}", which is not there${hint}`,
      { details: { model, name, known } },
    );
  };
  check('UnknownTrainer', 'trainer', train.trainer, Object.keys(project.trainers));
  check('UnknownDataSource', 'source', train.source, Object.keys(project.sources));
  check('UnknownTarget', 'target', deploy.target, [ENDPOINT, ...Object.keys(project.targets)]);
}

function isPatient(every: string): boolean {
  const isDuration = durationSchema.safeParse(every).success; // else that is told
  return !isDuration || durationMs(every) >= SHORTEST_TICK_MS;
}

function hasMethods(value: unknown, names: readonly string[]): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return names.every((name) => typeof Reflect.get(value, name) === 'function');
}
