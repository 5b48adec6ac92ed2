/** A limit of a figure itself, or of its ratio to the other side: of times and sizes the most, of rates the least. */
type Target = { readonly of: 'value' | 'ratio' } & (
  { readonly atMost: number } | { readonly atLeast: number }
);

/** One measured figure. */
export interface Figure {
  /** What was measured, in words. */
  readonly what: string;
  /** Of `value` and `other`; empty for counts. */
  readonly unit: 's' | 'ms' | 'us' | 'MB' | 'rows/s' | 'requests/s' | '';
  /** Ours; with several rounds the median, unless `what` says otherwise. */
  readonly value: number;
  /** The same of what it is held against, measured in the same run; null where there is no other side. */
  readonly other: { readonly name: string; readonly value: number } | null;
  readonly target: Target;
  /** How often each side was measured. */
  readonly rounds: number;
  /** What else one should know to judge the figure. */
  readonly note: string;
}

/** Says one line of progress. */
export type Say = (line: string) => void;

/** A part of a benchmark that can run alone. */
export interface Row {
  readonly name: string;
  run(say: Say): Promise<readonly Figure[]>;
}

/** `value / other`: of times, below 1 means that ours takes less; null where there is no other side. */
export function ratioOf({ value, other }: Figure): number | null {
  return other === null ? null : value / other.value;
}

/** Whether a figure keeps its target; one that is no number does not. */
export function isMet(figure: Figure): boolean {
  const { target } = figure;
  const held = target.of === 'value' ? figure.value : ratioOf(figure);
  if (held === null) return false;
  return 'atMost' in target ? held <= target.atMost : held >= target.atLeast;
}
