import { createRequire } from 'node:module';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative } from 'node:path';
import { bundleWorkflowCode, DefaultLogger, type BundleOptions } from '@temporalio/worker';
import { transform } from 'esbuild';
import { z } from 'zod';
import { bundledFile, PACKAGE_ROOT, sourceFile } from '../adapters/package/package-root.js';
import { PortError } from '../domain/failures.js';

/** Where `npm run check:bundle` and the set-up put the workflow bundle; its source map lies beside it, with `.map`. */
export const WORKFLOW_BUNDLE_PATH = bundledFile('workflow-bundle.js');

const INLINE_MAP = '//# sourceMappingURL=data:application/json;base64,';

const sourceMapSchema = z.looseObject({ sources: z.array(z.string()), mappings: z.string() });

/** Code and source map of workflows, for the sandbox. */
export interface MadeBundle {
  readonly code: string;
  readonly map: string;
  /** Absolute paths of all files that are in it. */
  readonly files: readonly string[];
}

/** The ready workflows, with all that they import. */
export const READY_WORKFLOWS = sourceFile('workflows/index');

/** Holds tables and no state of a workflow; loaded anew by each, the first signature would take 20 ms instead of 2. */
const CURVE = createRequire(import.meta.url).resolve('@noble/curves/ed25519.js');

/**
 * What is loaded once a worker, frozen and shared by its workflows: of the ready ones everything, since nothing in them is state.
 * Loaded anew by each, as is usual, it would cost a workflow 7 MB, and a third of its time from the first event to the next command.
 * Beside workflows of a project's own it is the curve alone: there the ready ones are modules of their own, whose exports are frozen
 * down to their patterns, and zod writes into patterns.
 */
function sharedBy(workflowsPath: string): string {
  return workflowsPath === READY_WORKFLOWS ? READY_WORKFLOWS : CURVE;
}

/**
 * Bundles workflows for the sandbox, minified; functions keep their names, since workflows are known by them. It takes over a
 * second: the package's own are built ahead, once.
 * @param given - `root`: what the source map's paths, as stack traces show them, are relative to.
 * Rejects where workflow code reaches a Node builtin or another module that the sandbox does not have.
 */
export async function makeWorkflowBundle(given: {
  workflowsPath: string;
  root: string;
  /** Modules whose interceptors run around every workflow. */
  interceptorModules?: readonly string[];
}): Promise<MadeBundle> {
  const said: string[] = [];
  const bundled = await bundleWorkflowCode({
    workflowsPath: given.workflowsPath,
    logger: new DefaultLogger('ERROR', ({ message }) => said.push(message)),
    webpackConfigHook: withoutWhatIsUnused,
    workflowInterceptorModules: [...(given.interceptorModules ?? [])],
    preloadModules: [sharedBy(given.workflowsPath)],
  }).catch((cause: unknown) => {
    throw new Error(problemIn(said.join('\n'), cause), { cause });
  });
  const { code, map } = await transform(bundled.code, {
    ...{ loader: 'js', target: 'node20', minify: true, keepNames: true, legalComments: 'none' },
    ...{ sourcemap: 'external', sourcesContent: false },
  });
  const parsed = sourceMapSchema.parse(JSON.parse(map));
  const sources = parsed.sources.map((source) =>
    isAbsolute(source) ? relative(given.root, source) : source,
  );
  return {
    code,
    map: JSON.stringify({
      ...parsed,
      file: 'workflow-bundle.js',
      sources,
      names: [],
      mappings: withoutNames(parsed.mappings),
    }),
    files: parsed.sources.filter((source) => isAbsolute(source)),
  };
}

/** What the bundler's report names first: the module, and what is wrong with it. */
function problemIn(report: string, cause: unknown): string {
  const [, module = '', what = ''] = /ERROR in (.*)\n(?:.*Error: )?(.*)/.exec(report) ?? [];
  if (module.startsWith('node:')) {
    return `workflow code imports "${module}", but the sandbox has no files, network or processes: move that into an activity`;
  }
  if (module !== '') return `${module}: ${what}`;
  return cause instanceof Error ? cause.message.replace(/\s+/g, ' ') : String(cause);
}

/** Bundles the package's own workflows into a file, and its map into one beside it. */
export async function buildWorkflowBundle(outPath = WORKFLOW_BUNDLE_PATH): Promise<void> {
  const made = await makeWorkflowBundle({
    workflowsPath: READY_WORKFLOWS,
    root: PACKAGE_ROOT,
  });
  await writeWorkflowBundle(outPath, made);
}

/** Writes code and map in place at once: a process that starts meanwhile reads old ones or new ones, never half of one. */
export async function writeWorkflowBundle(
  path: string,
  { code, map }: Pick<MadeBundle, 'code' | 'map'>,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  for (const [place, text] of [
    [mapBeside(path), map],
    [path, code],
  ] as const) {
    const unfinished = `${place}.${process.pid}`;
    await writeFile(unfinished, text);
    await rename(unfinished, place);
  }
}

/** Code with its map in it, which is how `Worker.create` wants it. */
export function withMap({ code, map }: Pick<MadeBundle, 'code' | 'map'>): { code: string } {
  return { code: `${code}\n${INLINE_MAP}${Buffer.from(map).toString('base64')}` };
}

/**
 * A built bundle with its map, as `Worker.create` takes it.
 * @throws PortError `SetUpMissing` with what to type where it was never built.
 */
export async function readWorkflowBundle(path = WORKFLOW_BUNDLE_PATH): Promise<{ code: string }> {
  try {
    const [code, map] = await Promise.all([
      readFile(path, 'utf8'),
      readFile(mapBeside(path), 'utf8'),
    ]);
    return withMap({ code, map });
  } catch (cause) {
    throw new PortError('SetUpMissing', 'the workflow bundle is missing: type npm run setup', {
      details: { path },
      cause,
    });
  }
}

/**
 * A map's segments with their places only. A segment's fifth number, the name at that place, would be taken for the name of the
 * function around it by whoever writes the stack trace; the functions' own names are kept in the code.
 */
function withoutNames(mappings: string): string {
  return mappings.replaceAll(/[^,;]+/g, (segment) =>
    [...segment.matchAll(VLQ_NUMBER)].slice(0, 4).join(''),
  );
}

/** Digits of base 64 that say more are to come, then one that does not. */
const VLQ_NUMBER = /[g-z0-9+/]*[A-Za-f]/g;

type WebpackConfigHook = NonNullable<BundleOptions['webpackConfigHook']>;

/** Leaves out what no workflow reaches, such as zod's locales; what is left is minified afterwards, which is faster. */
function withoutWhatIsUnused(
  config: Parameters<WebpackConfigHook>[0],
): ReturnType<WebpackConfigHook> {
  const { resolve = {}, module = {} } = config;
  return {
    ...config,
    mode: 'production',
    optimization: { minimize: false },
    // else the bundler leaves out what is loaded ahead, since nothing of it is used there
    module: { ...module, rules: [...(module.rules ?? []), { test: CURVE, sideEffects: true }] },
    // workflows of another folder find the SDK where this package has it
    resolve: {
      ...resolve,
      modules: [...(resolve.modules ?? []), join(PACKAGE_ROOT, 'node_modules')],
    },
  };
}

/** Where a bundle's source map lies. */
export const mapBeside = (path: string) => `${path}.map`;
