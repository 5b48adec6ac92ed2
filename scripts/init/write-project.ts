import { copyFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { PACKAGE_ROOT } from '../../adapters/package/package-root.js';
import { PortError } from '../../domain/failures.js';
import { sampleCsv } from './sample-rows.js';
import type { Dependencies } from './package-source.js';

const TEMPLATE = join(PACKAGE_ROOT, 'scripts/init/template');

/** npm leaves these out of a package under their real names. */
const DOTTED: Readonly<Record<string, string>> = { gitignore: '.gitignore', npmrc: '.npmrc' };

/** What a new project is made of. */
export interface NewProject {
  /** Missing, or empty. */
  readonly folder: string;
  readonly model: string;
  readonly dependencies: Dependencies;
  /** The user's CSV and its columns; null: an invented sample. */
  readonly csv: { readonly file: string; readonly text: string; readonly label: string } | null;
}

/** Writes a project's files; resolves to their paths within the folder, in order. */
export async function writeProject(project: NewProject): Promise<readonly string[]> {
  const { folder, csv } = project;
  await assertEmpty(folder);
  const entries = await readdir(TEMPLATE, { recursive: true, withFileTypes: true });
  const written = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(TEMPLATE.length + 1));
  for (const name of written) {
    const text = await readFile(join(TEMPLATE, name), 'utf8');
    await put(folder, DOTTED[name] ?? name, filledIn(text, project));
  }
  await put(folder, 'package.json', `${JSON.stringify(manifestOf(project), null, 2)}\n`);
  await put(folder, 'data/rows.csv', csv === null ? sampleCsv() : '');
  if (csv !== null) await copyFile(csv.file, join(folder, 'data/rows.csv'));
  return [...written.map((name) => DOTTED[name] ?? name), 'package.json', 'data/rows.csv'].sort();
}

async function put(folder: string, name: string, text: string): Promise<void> {
  const file = join(folder, name);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, text);
}

async function assertEmpty(folder: string): Promise<void> {
  const found = await readdir(folder).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw new PortError('InvalidRequest', `${folder} cannot be a project's folder`, {
      cause: error,
    });
  });
  if (found.length === 0) return;
  throw new PortError(
    'InvalidRequest',
    `${folder} is not empty (it has ${found[0] ?? ''}): name a folder that is empty or not there yet`,
  );
}

function filledIn(text: string, { model, csv }: NewProject): string {
  const named = text.replaceAll('my-model', model);
  if (csv === null) return named;
  return named
    .replace(`text: 'text'`, `text: ${quoted(csv.text)}`)
    .replace(`label: 'label'`, `label: ${quoted(csv.label)}`);
}

/** As a TypeScript string in single quotes. */
function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

function manifestOf({ folder, dependencies }: NewProject) {
  const name = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^-+|-+$/g, '');
  return {
    name: name || 'switchyard-project',
    private: true,
    type: 'module',
    scripts: {
      dev: 'switchyard dev',
      test: 'switchyard setup && node --import tsx --test test/*.test.ts',
      check: 'tsc',
    },
    dependencies: { switchyard: dependencies.switchyard },
    devDependencies: dependencies.tools,
  };
}
