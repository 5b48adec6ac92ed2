/** A limit of a figure itself, or of its ratio to the other side. */
interface Target {
  readonly of: 'value' | 'ratio';
  readonly atMost: number;
}

/** One measured figure. */
export interface Figure {
  /** What was measured, in words. */
  readonly what: string;
  /** Of `value` and `other`; empty for counts. */
  readonly unit: 's' | 'ms' | '';
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

/** `value / other`: below 1 means that ours takes less; null where there is no other side. */
export function ratioOf({ value, other }: Figure): number | null {
  return other === null ? null : value / other.value;
}

/** Whether a figure keeps its target; one that is no number does not. */
export function isMet(figure: Figure): boolean {
  const { of, atMost } = figure.target;
  const held = of === 'value' ? figure.value : ratioOf(figure);
  return held !== null && held <= atMost;
}
