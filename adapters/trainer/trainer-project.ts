import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PortError } from '../../domain/failures.js';
import { PACKAGE_ROOT } from '../package/package-root.js';

/** Before the name of a uv project that comes with the package. */
const SHIPPED = 'switchyard:';
const SHIPPED_FOLDER = join(PACKAGE_ROOT, 'trainers');

/** No trainer, though its lock lies beside theirs: the development servers' binaries. */
const SERVERS = 'servers';

/**
 * The folder of a trainer's uv project: one that comes with the package, such as `switchyard:sklearn`, or a folder of one's own,
 * relative to the configuration file.
 * @throws PortError `UnknownTrainer` where the package has none of that name; the sentence lists those it has.
 */
export function trainerProject(root: string, project: string): string {
  if (!project.startsWith(SHIPPED)) return resolve(root, project);
  const name = project.slice(SHIPPED.length);
  const shipped = readdirSync(SHIPPED_FOLDER)
    .filter((each) => each !== SERVERS && existsSync(join(SHIPPED_FOLDER, each, 'uv.lock')))
    .sort();
  if (shipped.includes(name)) return join(SHIPPED_FOLDER, name);
  throw new PortError(
    'UnknownTrainer',
    `the package has no uv project "${name}"; it has ${shipped.map((each) => SHIPPED + each).join(', ')}`,
    { details: { project } },
  );
}
