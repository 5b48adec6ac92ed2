import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PACKAGE_ROOT } from '../adapters/package/package-root.js';
import { trainerProject } from '../adapters/trainer/trainer-project.js';
import { PortError } from '../domain/failures.js';
import type { Project } from '../workers/project.js';

/**
 * Installs what a project needs beside its npm packages: uv, the development servers, and the Python packages of its trainers.
 * What is there already costs only its digests; what it does is told on standard error.
 * @throws PortError `SetUpMissing` where something is missing or fails; it has been said what. The signal's reason, where it aborts.
 */
export async function setUpProject(
  { root, trainers }: Pick<Project, 'root' | 'trainers'>,
  signal: AbortSignal,
): Promise<void> {
  const own = Object.values(trainers).flatMap((trainer) =>
    'run' in trainer ? [] : [trainerProject(root, trainer.project)],
  );
  const folders = new Set([join(PACKAGE_ROOT, 'trainers/servers'), ...own]);
  const setUp = join(PACKAGE_ROOT, 'scripts/setup.js');
  const child = spawn(process.execPath, [setUp, '--python', ...folders], {
    stdio: ['ignore', 'ignore', 'inherit'],
    signal, // it ends what it has started, and gives its lock back
  });
  await once(child, 'exit');
  if (child.exitCode === 0) return;
  throw new PortError('SetUpMissing', 'the set-up did not come to its end, see above');
}
