import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { PACKAGE_ROOT } from '../adapters/package/package-root.js';

/** Folders whose TypeScript is looked at; tests, and what tests import, are not documented by name. */
const ROOMS = [
  ...['domain', 'workflows', 'activities', 'adapters', 'client', 'workers', 'serving', 'scripts'],
  'examples',
];

/** What is compared, as texts, so that a test can change any of it. */
export interface DocTexts {
  /** The documents by file name. */
  readonly documents: Readonly<Record<string, string>>;
  /** Every source, by path. */
  readonly sources: Readonly<Record<string, string>>;
  /** The scripts of package.json. */
  readonly npmScripts: readonly string[];
  /** Whether a path of the repository exists. */
  readonly exists: (path: string) => boolean;
}

/** The documents and sources of this checkout. */
export function readDocTexts(): DocTexts {
  const read = (path: string) => readFileSync(join(PACKAGE_ROOT, path), 'utf8');
  const textsOf = (paths: readonly string[]) =>
    Object.fromEntries(paths.map((path) => [path, read(path)]));
  const here = readdirSync(PACKAGE_ROOT).filter((path) => path.endsWith('.md'));
  return {
    documents: textsOf([...here, ...filesIn('docs', '.md'), ...filesIn('examples', 'README.md')]),
    sources: textsOf(ROOMS.flatMap((room) => filesIn(room, '.ts'))),
    npmScripts: Object.keys(scriptsOf(JSON.parse(read('package.json')))),
    exists: (path) => existsSync(join(PACKAGE_ROOT, path)),
  };
}

function filesIn(folder: string, ending: string): readonly string[] {
  return readdirSync(join(PACKAGE_ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ending) && !path.includes('.switchyard/'))
    .map((path) => posix.join(folder, path));
}

function scriptsOf(manifest: unknown): object {
  const isManifest = typeof manifest === 'object' && manifest !== null && 'scripts' in manifest;
  return isManifest && typeof manifest.scripts === 'object' ? (manifest.scripts ?? {}) : {};
}
