import { canonicalJson } from './digest.js';
import type { Manifest } from './manifest.js';

/** One thing in which two manifests differ; null: it is not in that one. */
export interface ManifestDifference {
  /** `files`, `contract`, `data`, `parameters`, `metrics` and the like. */
  readonly part: string;
  /** What within the part, such as a file's path or a parameter's name. */
  readonly name: string;
  readonly left: string | null;
  readonly right: string | null;
}

/** What differs between two versions: files, contract, graph, lineage and metrics, in this order; nothing where they are one. */
export function manifestDifferences(
  left: Manifest,
  right: Manifest,
): readonly ManifestDifference[] {
  const others = partsOf(right);
  return Object.entries(partsOf(left)).flatMap(([part, own]) => {
    const other = others[part] ?? {};
    const names = [...new Set([...Object.keys(own), ...Object.keys(other)])].sort();
    return names.flatMap((name) => {
      const [one = null, another = null] = [own[name], other[name]];
      return one === another ? [] : [{ part, name, left: one, right: another }];
    });
  });
}

type Part = Readonly<Record<string, string>>;

function partsOf(manifest: Manifest): Readonly<Record<string, Part>> {
  const { files, artifacts, contract, frontEnd, graph, runtime, lineage, metrics, ...rest } =
    manifest;
  const { parameters, data, ...origin } = lineage;
  return {
    files: Object.fromEntries(
      files.map(({ path, bytes, sha256 }) => [path, `${bytes} bytes, sha256 ${sha256}`]),
    ),
    artifacts: Object.fromEntries(artifacts.map((path) => [path, 'can be served'])),
    contract: shown(contract),
    'front end': frontEnd === null ? {} : shown(frontEnd),
    graph: shown(graph),
    runtime: shown(runtime),
    data: Object.fromEntries(data.map((digest, index) => [`snapshot ${index + 1}`, digest])),
    lineage: shown(origin),
    parameters: shown(parameters),
    metrics: shown(metrics),
    manifest: shown(rest),
  };
}

function shown(object: object): Part {
  return Object.fromEntries(
    Object.entries(object).map(([name, value]: [string, unknown]) => [
      name,
      typeof value === 'string' ? value : canonicalJson(value),
    ]),
  );
}
