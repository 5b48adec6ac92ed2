import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Logger } from 'pino';
import { z } from 'zod';
import { PACKAGE_ROOT, sourceFile } from '../adapters/package/package-root.js';
import { PortError } from '../domain/failures.js';
import {
  makeWorkflowBundle,
  READY_WORKFLOWS,
  readWorkflowBundle,
  writeWorkflowBundle,
  type MadeBundle,
} from './bundle.js';
import type { Project } from './project.js';

/** What is bundled: a file that exports workflows, and what stack traces are relative to. */
export interface WorkflowsEntry {
  readonly workflowsPath: string;
  readonly root: string;
}

type OwnWorkflows = Pick<Project, 'workflows' | 'root'>;

/** Digests of the files of which a bundle was made, by path; it is made anew where one differs. */
const stampSchema = z.record(z.string(), z.string());

/**
 * The workflows of a project: the ready ones, and its own beside them.
 * @throws PortError `SetUpMissing` where the project's file is not there.
 */
export async function workflowsEntry({ workflows, root }: OwnWorkflows): Promise<WorkflowsEntry> {
  if (workflows === undefined) return { workflowsPath: READY_WORKFLOWS, root: PACKAGE_ROOT };
  const own = resolve(root, workflows);
  if (!existsSync(own)) {
    throw new PortError('SetUpMissing', `the project's workflows are not there: ${own}`);
  }
  const workflowsPath = join(buildFolder(root), 'workflows.ts');
  await mkdir(dirname(workflowsPath), { recursive: true });
  const exported = [own, READY_WORKFLOWS].map((file) => `export * from ${JSON.stringify(file)};\n`);
  await writeFile(workflowsPath, exported.join(''));
  return { workflowsPath, root };
}

/**
 * The bundle that a worker of the project runs: the package's, built ahead; or one with the project's own workflows, which is
 * made at the worker's start and kept until a file of it changes.
 * @throws PortError `SetUpMissing`, or `InvalidSpec` where they cannot be bundled.
 */
export async function bringWorkflowBundle(
  project: OwnWorkflows,
  log: Pick<Logger, 'info'>,
): Promise<{ code: string }> {
  if (project.workflows === undefined) return readWorkflowBundle();
  const entry = await workflowsEntry(project);
  const bundlePath = join(buildFolder(project.root), 'workflow-bundle.js');
  const stampPath = `${bundlePath}.stamp`;
  if (await isCurrent(stampPath)) return readWorkflowBundle(bundlePath);
  const startedMs = performance.now();
  const made = await bundle(project.workflows, entry);
  await writeWorkflowBundle(bundlePath, made);
  // a source map names originals that are not installed
  const files = [...made.files.filter((file) => existsSync(file)), sourceFile('workers/bundle')];
  await writeFile(stampPath, JSON.stringify(await digestsOf(files)));
  const ms = Math.round(performance.now() - startedMs);
  log.info({ workflows: project.workflows, ms, bytes: made.code.length }, 'workflows are bundled');
  return readWorkflowBundle(bundlePath);
}

async function bundle(workflows: string, entry: WorkflowsEntry): Promise<MadeBundle> {
  try {
    return await makeWorkflowBundle(entry);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new PortError(
      'InvalidSpec',
      `the workflows in ${workflows} cannot be bundled: ${why.slice(0, 500)}`,
      { details: { workflows }, cause },
    );
  }
}

async function isCurrent(stampPath: string): Promise<boolean> {
  if (!existsSync(stampPath)) return false;
  const stamp = stampSchema.parse(JSON.parse(await readFile(stampPath, 'utf8')));
  const files = Object.keys(stamp);
  if (!files.every((file) => existsSync(file))) return false;
  const now = await digestsOf(files);
  return files.every((file) => now[file] === stamp[file]);
}

async function digestsOf(files: readonly string[]): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const file of files) {
    digests[file] = createHash('sha256')
      .update(await readFile(file))
      .digest('hex');
  }
  return digests;
}

const buildFolder = (root: string) => join(root, '.switchyard', 'build', 'own');
