import { resolve } from 'node:path';
import { createJiti } from 'jiti';
import { z } from 'zod';
import { PortError } from '../domain/failures.js';
import { nameSchema } from '../domain/names.js';
import type { DatasetSource } from '../domain/ports/dataset-source.js';
import { describeIssue, parseModelSpec, type ModelSpec } from '../domain/spec.js';

const datasetSourceSchema = z.custom<DatasetSource>(
  (value) =>
    typeof value === 'object' &&
    value !== null &&
    'rows' in value &&
    typeof value.rows === 'function',
  'a data source has a method rows(cut)',
);

const projectSchema = z.strictObject({
  models: z.array(z.unknown()).min(1),
  /** A trainer: a locked uv project and the script that it runs, relative to the configuration file. */
  trainers: z.record(nameSchema, z.strictObject({ project: z.string(), script: z.string() })),
  sources: z.record(nameSchema, datasetSourceSchema),
  /** Whom to tell: a command (no shell) or a webhook; the log, where neither is given. */
  notify: z
    .union([
      z.strictObject({ command: z.tuple([z.string()], z.string()) }),
      z.strictObject({ webhook: z.url() }),
    ])
    .optional(),
});

/** What `switchyard.config.ts` exports as default. */
export type ProjectInput = z.input<typeof projectSchema>;

/** A checked `switchyard.config.ts`. */
export interface Project extends Omit<z.output<typeof projectSchema>, 'models'> {
  /** The folder of the configuration file. */
  readonly root: string;
  readonly models: Readonly<Record<string, ModelSpec>>;
}

/**
 * Loads and checks a project's configuration, the only place where names become trainers, data sources and commands.
 * @throws PortError `SetUpMissing` where the file is missing or does not load, `InvalidSpec` where it is wrong.
 */
export async function loadProject(file: string): Promise<Project> {
  const path = resolve(file);
  const loaded = await importDefault(path);
  const parsed = projectSchema.safeParse(loaded);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(describeIssue).join('; ');
    throw new PortError('InvalidSpec', `${path} is wrong: ${problems}`);
  }
  const models: Record<string, ModelSpec> = {};
  for (const input of parsed.data.models) {
    const spec = parseModelSpec(input);
    if (Object.hasOwn(models, spec.model)) {
      throw new PortError('InvalidSpec', `${path} has two models named "${spec.model}"`);
    }
    models[spec.model] = spec;
  }
  checkReferences(path, models, parsed.data);
  return { ...parsed.data, models, root: resolve(path, '..') };
}

function checkReferences(
  path: string,
  models: Readonly<Record<string, ModelSpec>>,
  project: z.output<typeof projectSchema>,
): void {
  for (const { model, train } of Object.values(models)) {
    if (!Object.hasOwn(project.trainers, train.trainer)) {
      throw new PortError(
        'UnknownTrainer',
        `${path}: model "${model}" names the trainer "${train.trainer}", which is not there`,
      );
    }
    if (!Object.hasOwn(project.sources, train.source)) {
      throw new PortError(
        'UnknownDataSource',
        `${path}: model "${model}" names the source "${train.source}", which is not there`,
      );
    }
  }
}

async function importDefault(path: string): Promise<unknown> {
  try {
    return await createJiti(import.meta.url).import(path, { default: true });
  } catch (error) {
    const why = error instanceof Error ? error.message.replace(/\s*\n\s*/g, ' ') : 'unknown error';
    throw new PortError('SetUpMissing', `${path} does not load: ${why}`, { cause: error });
  }
}
