/** What computes an answer, besides the version and the input: the same facts give the same bits. */
export interface RuntimeFacts {
  /** Version of onnxruntime-node. */
  readonly onnxruntime: string;
  /** Version of Node.js. */
  readonly node: string;
  /** Such as `linux-x64`. */
  readonly platform: string;
  /** The processor's model, as the operating system names it. */
  readonly cpu: string;
}

/** A fact that is not the same. */
export interface RuntimeDifference {
  readonly what: keyof RuntimeFacts;
  readonly then: string;
  readonly now: string;
}

const FACTS = ['onnxruntime', 'node', 'platform', 'cpu'] as const;

/** What differs between two runtimes, the most telling first; empty where they are the same. */
export function runtimeDifferences(
  then: RuntimeFacts,
  now: RuntimeFacts,
): readonly RuntimeDifference[] {
  return FACTS.filter((what) => then[what] !== now[what]).map((what) => ({
    ...{ what, then: then[what], now: now[what] },
  }));
}
