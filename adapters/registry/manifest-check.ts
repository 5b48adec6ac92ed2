import { PortError } from '../../domain/failures.js';
import { manifestSchema, type Manifest } from '../../domain/manifest.js';

/**
 * A manifest whose parts fit together: each file once, and every artifact and the front end among the files, so that
 * nothing can be loaded whose bytes are not verified.
 * @throws PortError `InvalidModelFile` that names every problem.
 */
export function checkManifest(given: Manifest): Manifest {
  const parsed = manifestSchema.safeParse(given);
  if (!parsed.success) throw invalidManifest(given.model, [parsed.error.message]);
  const manifest = parsed.data;
  const paths = manifest.files.map(({ path }) => path);
  const named = [
    ...manifest.artifacts,
    ...(manifest.frontEnd === null ? [] : [manifest.frontEnd.path]),
  ];
  const problems = [
    ...paths
      .filter((path, index) => paths.indexOf(path) !== index)
      .map((path) => `${path} is listed twice`),
    ...named
      .filter((path) => !paths.includes(path))
      .map((path) => `${path} is not among its files`),
  ];
  if (problems.length > 0) throw invalidManifest(manifest.model, problems);
  return manifest;
}

function invalidManifest(model: string, problems: readonly string[]): PortError {
  return new PortError(
    'InvalidModelFile',
    `a manifest of model "${model}" is wrong: ${problems.join('; ')}`,
    {
      details: { problems },
    },
  );
}
