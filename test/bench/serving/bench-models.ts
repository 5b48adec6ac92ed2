import { createHash } from 'node:crypto';
import { access, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { conversionSchema, runnableOf } from '../../../domain/conversion.js';
import type { Manifest } from '../../../domain/manifest.js';
import { createTicketMails } from '../../../examples/tickets/mails.js';
import {
  statementLines,
  type StatementLine,
} from '../../../examples/transactions/statement-lines.js';
import { ROOT } from '../../../scripts/stack.js';
import type { Say } from '../benchmark.js';
import { COMPARATORS, installComparators, runPython } from './comparators.js';

const MERCHANTS = 20_000;
const SOURCES = ['make_models.py', 'uv.lock'];
const KIT = join(ROOT, 'trainers/kit/switchyard_kit');

export type TextModelName = 'merchants' | 'mails';

/** A version's files in a folder, and how they are run. */
export interface VersionFiles {
  readonly folder: string;
  readonly files: readonly string[];
  readonly manifest: Pick<Manifest, 'contract' | 'frontEnd' | 'graph'>;
}

/** The trained models. */
export interface BenchModels {
  /** A folder a model; see comparators/make_models.py. */
  readonly folder: string;
  readonly texts: Readonly<Record<TextModelName, readonly string[]>>;
}

let made: Promise<BenchModels> | undefined;

/** Trains and converts the models with the comparators' scikit-learn; kept until scripts, kit, lock or rows change. */
export function benchModels(say: Say): Promise<BenchModels> {
  made ??= makeModels(say);
  return made;
}

async function makeModels(say: Say): Promise<BenchModels> {
  await installComparators();
  const rows = { merchants: await statementLines(MERCHANTS), mails: await mailRows() };
  const hash = createHash('sha256').update(JSON.stringify(rows));
  for (const file of await makersOfModels()) hash.update(await readFile(file));
  const place = join(ROOT, '.switchyard/bench/serving');
  const folder = join(place, `models-${hash.digest('hex').slice(0, 12)}`);
  const isThere = await access(folder).then(
    () => true,
    () => false,
  );
  if (!isThere) {
    say('trains the models');
    const unfinished = `${folder}.${process.pid}`;
    await mkdir(unfinished, { recursive: true });
    for (const [name, each] of Object.entries(rows)) {
      const lines = each.map((row) => `${JSON.stringify(row)}\n`).join('');
      await writeFile(join(unfinished, `${name}.jsonl`), lines);
    }
    await runPython('make_models.py', unfinished);
    await rm(folder, { recursive: true, force: true });
    await rename(unfinished, folder);
  }
  const textsOf = (each: readonly StatementLine[]) => each.map(({ text }) => text);
  return {
    folder,
    texts: { merchants: textsOf(rows.merchants), mails: textsOf(rows.mails) },
  };
}

/** The files that decide, beside the rows, what the models are. */
export async function makersOfModels(): Promise<readonly string[]> {
  const kit = (await readdir(KIT)).filter((name) => name.endsWith('.py')).sort();
  return [...SOURCES.map((name) => join(COMPARATORS, name)), ...kit.map((name) => join(KIT, name))];
}

async function mailRows(): Promise<readonly StatementLine[]> {
  const whole = { from: '2002-01-01T00:00:00Z', to: '2003-01-01T00:00:00Z' };
  const rows = await createTicketMails().rows(whole);
  return rows.map(({ text, label }) => ({ text, label }));
}

/** What is served of a model that was trained. */
export async function versionFiles(models: string, name: string): Promise<VersionFiles> {
  const folder = join(models, name);
  const conversion = conversionSchema.parse(
    JSON.parse(await readFile(join(folder, 'model.json'), 'utf8')),
  );
  const { artifact, frontEnd } = conversion;
  const files = frontEnd === null ? [artifact] : [artifact, frontEnd];
  return { folder, files, manifest: runnableOf(conversion) };
}
