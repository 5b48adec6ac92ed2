import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { PACKAGE_ROOT } from '../../adapters/package/package-root.js';
import { PortError } from '../../domain/failures.js';

const packageSchema = z.object({
  version: z.string(),
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
});

const installedSchema = z.object({
  packages: z.record(z.string(), z.object({ resolved: z.string().optional() })),
});

/** What a new project depends on, by the package that this program is of. */
export interface Dependencies {
  /** A version, or `file:` and the way to a tarball from the new project. */
  readonly switchyard: string;
  /** Versions of the development tools, as our own. */
  readonly tools: Readonly<Record<string, string>>;
}

/**
 * How a project in `folder` installs the package that this program runs from: as it was installed itself, or from a checkout by
 * the tarball that `npm pack` made there.
 * @throws PortError `SetUpMissing` where a checkout has no tarball yet.
 */
export function dependenciesOf(folder: string, root = PACKAGE_ROOT): Dependencies {
  const read = packageSchema.parse(readJson(join(root, 'package.json')));
  const { version } = read;
  const ours = { ...read.dependencies, ...read.devDependencies };
  const tools = Object.fromEntries(
    ['@types/node', 'tsx', 'typescript'].flatMap((name) => {
      const pinned = ours[name];
      return pinned === undefined ? [] : [[name, pinned]];
    }),
  );
  const tarball =
    basename(dirname(root)) === 'node_modules' ? installedFrom(root) : packedIn(root, version);
  const switchyard =
    tarball === null ? version : `file:${relative(resolve(folder), tarball).replaceAll('\\', '/')}`;
  return { switchyard, tools };
}

function packedIn(checkout: string, version: string): string {
  const tarball = join(checkout, `switchyard-${version}.tgz`);
  if (existsSync(tarball)) return tarball;
  throw new PortError(
    'SetUpMissing',
    `${tarball} is missing, which the new project installs: type npm run build && npm pack in ${checkout}`,
  );
}

/** The tarball that a package in node_modules came from; null where it came from a registry. */
function installedFrom(root: string): string | null {
  const modules = dirname(root);
  const file = join(modules, '.package-lock.json');
  if (!existsSync(file)) return null;
  const { packages } = installedSchema.parse(readJson(file));
  const resolved = packages['node_modules/switchyard']?.resolved;
  if (resolved?.startsWith('file:') !== true) return null;
  return resolve(dirname(modules), resolved.slice('file:'.length));
}

function readJson(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}
