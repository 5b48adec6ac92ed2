import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { bundledFile, sourceFile } from '../adapters/package/package-root.js';

/** Where `npm run check:bundle` and the set-up put the workflow bundle. */
const WORKFLOW_BUNDLE_PATH = bundledFile('workflow-bundle.js');

const WORKFLOWS_PATH = sourceFile('workflows/index');

/**
 * Bundles `workflows/` for the sandbox, with an inline source map. It takes over a second: it is built ahead, once.
 * Rejects where workflow code reaches a Node builtin or another module that the sandbox does not have.
 */
export async function buildWorkflowBundle(outPath = WORKFLOW_BUNDLE_PATH): Promise<void> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: WORKFLOWS_PATH,
    logger: new DefaultLogger('WARN'),
  });
  await mkdir(dirname(outPath), { recursive: true });
  const unfinished = `${outPath}.${process.pid}`;
  await writeFile(unfinished, code);
  await rename(unfinished, outPath);
}

/** The built bundle, as `Worker.create` takes it. Rejects with what to type where it was never built. */
export async function readWorkflowBundle(path = WORKFLOW_BUNDLE_PATH): Promise<{ code: string }> {
  try {
    return { code: await readFile(path, 'utf8') };
  } catch (cause) {
    throw new Error('the workflow bundle is missing: type npm run setup', { cause });
  }
}
