/** What a chaos command is given. */
export interface ChaosGiven {
  /** Of every random choice. */
  readonly seed: number;
  /** How many of what the command repeats; null: as many as its target names. */
  readonly count: number | null;
  /** Only parts whose name holds one of these; empty: all. */
  readonly only: readonly string[];
  /** Further numbers, from `--set NAME=NUMBER`. */
  readonly settings: Readonly<Record<string, number>>;
  /** Says one line of progress. */
  readonly say: (line: string) => void;
}

/** What came of it. */
export interface ChaosResult {
  /** Lines to print. */
  readonly figures: readonly string[];
  /** Empty: PASS. */
  readonly violations: readonly string[];
}

/** `npm run chaos -- NAME`; it ends every child that it started. */
export type ChaosRun = (given: ChaosGiven) => Promise<ChaosResult>;
