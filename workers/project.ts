import { dirname, resolve } from 'node:path';
import { createJiti } from 'jiti';
import { isPortError, PortError } from '../domain/failures.js';
import { parseProject, type CheckedProject } from '../domain/project.js';

/** A checked `switchyard.config.ts`. */
export interface Project extends CheckedProject {
  /** The folder of the configuration file. */
  readonly root: string;
}

/**
 * Loads and checks a project's configuration, the only place where names become trainers, data sources and commands.
 * @throws PortError `SetUpMissing` where the file is missing or does not load, and as `defineProject` does where it is wrong.
 */
export async function loadProject(file: string): Promise<Project> {
  const path = resolve(file);
  const root = dirname(path);
  const project = parseProject(await importDefault(path), path);
  const sources = Object.fromEntries(
    Object.entries(project.sources).map(([name, source]) => [
      name,
      source.within?.(root) ?? source,
    ]),
  );
  return { ...project, sources, root };
}

async function importDefault(path: string): Promise<unknown> {
  try {
    return await createJiti(import.meta.url).import(path, { default: true });
  } catch (error) {
    // what defineModel and defineProject say is about the file's content, not about loading it
    if (isPortError(error)) {
      const { type, details } = error;
      throw new PortError(type, `${path}: ${error.message}`, { details, cause: error });
    }
    const why = error instanceof Error ? error.message.replace(/\s*\n\s*/g, ' ') : 'unknown error';
    throw new PortError('SetUpMissing', `${path} does not load: ${why}`, { cause: error });
  }
}
