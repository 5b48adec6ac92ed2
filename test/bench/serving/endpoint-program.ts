import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, type Plugin } from 'esbuild';
import { ROOT } from '../../../scripts/stack.js';

const MAIN = join(ROOT, 'serving/main.ts');

/** `serving/main.ts` as JavaScript; gone with its scope. */
export interface EndpointProgram extends AsyncDisposable {
  readonly file: string;
}

/**
 * Compiles the endpoint as the package has it: what tsx makes of it on the way keeps the names of functions, which costs every
 * closure of a request. With `logsNothing` its prediction log is told nothing.
 */
export async function buildEndpoint(given: { logsNothing: boolean }): Promise<EndpointProgram> {
  const place = join(ROOT, '.switchyard/bench/serving');
  await mkdir(place, { recursive: true });
  const folder = await mkdtemp(join(place, 'endpoint-')); // under the package, whose node_modules it needs
  const file = join(folder, 'main.mjs');
  await build({
    ...{ entryPoints: [MAIN], outfile: file, bundle: true, packages: 'external' },
    ...{ platform: 'node', format: 'esm', target: 'node20', logLevel: 'error' },
    // it stands where its source does, and finds the package's files from there
    define: { 'import.meta.url': JSON.stringify(pathToFileURL(MAIN).href) },
    plugins: given.logsNothing ? [withoutLog] : [],
  });
  return { file, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) };
}

const withoutLog: Plugin = {
  name: 'without prediction log',
  setup: (building) => {
    building.onLoad({ filter: /\/serving\/prediction-log\.ts$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      if (!source.includes('export class PredictionLog')) {
        throw new Error(`${path} has no class PredictionLog whose add() could be taken away`);
      }
      const contents = `${source}\nPredictionLog.prototype.add = () => undefined;\n`;
      return { contents, loader: 'ts' };
    });
  },
};
