/** Whose business a failed gate is. */
export const OWNERS = ['engineering', 'data-science'] as const;
export type Owner = (typeof OWNERS)[number];

/** What is known of a metric before it is measured. */
export interface MetricDefinition {
  /** `system`: how it runs; `statistical`: how right it is. It decides who owns a failure. */
  readonly kind: 'system' | 'statistical';
  /** Whether a gate may set `min` (more is better) or `max` (less is better). */
  readonly limit: 'min' | 'max';
  readonly unit: string;
  /** Smallest and largest value that the metric can take. */
  readonly range: readonly [number, number];
  /** Compared with the baseline: `not applicable` without a live version, and judged by its interval. */
  readonly relative: boolean;
  /** Whether there may be nothing to measure it on: then a gate on it is `not applicable`. */
  readonly mayBeNone?: boolean;
  /** Whether it chooses between a model and its smaller twin, and is about no candidate. */
  readonly ofTwin?: boolean;
  readonly meaning: string;
}

const system = (limit: 'min' | 'max', unit: string, meaning: string): MetricDefinition => ({
  kind: 'system',
  limit,
  unit,
  range: [0, Number.POSITIVE_INFINITY],
  relative: false,
  meaning,
});

const share = (limit: 'min' | 'max', meaning: string): MetricDefinition => ({
  kind: 'statistical',
  limit,
  unit: '',
  range: [0, 1],
  relative: false,
  meaning,
});

const difference = (meaning: string): MetricDefinition => ({
  kind: 'statistical',
  limit: 'min',
  unit: '',
  range: [-1, 1],
  relative: true,
  meaning,
});

/** Every metric that the test stage measures by itself; a project may add its own. */
export const METRICS = {
  'artifact-bytes': system('max', 'bytes', 'size of the ONNX file that would be served'),
  'load-ms': system('max', 'ms', 'from the start of a fresh process to a session that answers'),
  'latency-p50-ms': system('max', 'ms', 'median time of one row, one at a time'),
  'latency-p99-ms': system('max', 'ms', '99th percentile of the time of one row, one at a time'),
  'latency-slowest-ms': system('max', 'ms', 'the slowest single row, median of its repeats'),
  'rows-per-second': system('min', 'rows/s', 'rows answered in batches of 64'),
  'peak-rss-bytes': system(
    'max',
    'bytes',
    'highest resident memory of the process, edge inputs included',
  ),
  exceptions: system(
    'max',
    'inputs',
    'edge inputs that end in an error or in a number that is not finite',
  ),
  'parity-difference': {
    kind: 'system',
    limit: 'max',
    unit: '',
    range: [0, 1],
    relative: false,
    meaning:
      'largest probability difference between source framework and ONNX, or 1 where labels differ; measured by convert',
  },
  accuracy: share('min', 'share of held-out rows whose label is right'),
  'macro-f1': share('min', 'mean over labels of F1, each label with the same weight'),
  'slice-accuracy': share(
    'min',
    'accuracy within each slice of the held-out rows; the worst one counts',
  ),
  'calibration-error': share(
    'max',
    'expected calibration error over 10 bins of equal width (Guo et al. 2017)',
  ),
  'accuracy-difference': difference(
    'accuracy minus the baseline’s on the same rows, paired bootstrap',
  ),
  'macro-f1-difference': difference(
    'macro-F1 minus the baseline’s on the same rows, paired bootstrap',
  ),
  regressions: {
    kind: 'statistical',
    limit: 'max',
    unit: 'rows',
    range: [0, Number.POSITIVE_INFINITY],
    relative: false,
    mayBeNone: true,
    meaning:
      'rows that closed follow-ups left and that are answered wrongly; at most 0 without a gate',
  },
  'twin-size': {
    ...system('max', '', 'bytes of the int8 twin for each byte of the full model'),
    ofTwin: true,
  },
  'twin-slowdown': {
    ...system('max', '', 'p50 of a call to the twin divided by the full model’s, called in turn'),
    ofTwin: true,
  },
  'twin-agreement': {
    ...share('min', 'share of held-out rows that twin and full model give the same label'),
    ofTwin: true,
  },
  'twin-accuracy-difference': {
    ...difference('accuracy of the twin minus the full model’s, paired bootstrap'),
    ofTwin: true,
  },
  'twin-macro-f1-difference': {
    ...difference('macro-F1 of the twin minus the full model’s, paired bootstrap'),
    ofTwin: true,
  },
} as const satisfies Readonly<Record<string, MetricDefinition>>;

export type MetricName = keyof typeof METRICS;

/** Every name in `METRICS`, in its order. */
export const METRIC_NAMES = [
  'artifact-bytes',
  'load-ms',
  'latency-p50-ms',
  'latency-p99-ms',
  'latency-slowest-ms',
  'rows-per-second',
  'peak-rss-bytes',
  'exceptions',
  'parity-difference',
  'accuracy',
  'macro-f1',
  'slice-accuracy',
  'calibration-error',
  'accuracy-difference',
  'macro-f1-difference',
  'regressions',
  'twin-size',
  'twin-slowdown',
  'twin-agreement',
  'twin-accuracy-difference',
  'twin-macro-f1-difference',
] as const satisfies readonly MetricName[];

/** Who mends a failed gate on such a metric. */
export function ownerOf({ kind }: Pick<MetricDefinition, 'kind'>): Owner {
  return kind === 'system' ? 'engineering' : 'data-science';
}

/** What is known of one of `METRICS`; undefined for any other name. */
export function builtInMetric(name: string): MetricDefinition | undefined {
  const metrics: Readonly<Record<string, MetricDefinition>> = METRICS;
  return Object.hasOwn(metrics, name) ? metrics[name] : undefined;
}
