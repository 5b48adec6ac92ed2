import { isMet, ratioOf, type Figure } from './benchmark.js';
import type { Machine } from './machine.js';

/** A row's figures, or why there are none. */
export interface RowResult {
  readonly row: string;
  readonly figures: readonly Figure[];
  readonly problem: string | null;
  /** Load of the machine when the row began and when it ended. */
  readonly load: readonly [number, number];
}

export interface Report {
  readonly benchmark: string;
  readonly machine: Machine;
  readonly rows: readonly RowResult[];
}

/** True where every row was measured and kept its targets. */
export function isAllMet({ rows }: Report): boolean {
  return rows.every(({ figures, problem }) => problem === null && figures.every(isMet));
}

/** The report as an object of its own: ratios and verdicts are written out. */
export function reportJson(report: Report): unknown {
  const rows = report.rows.map((row) => ({
    ...row,
    figures: row.figures.map((figure) => ({
      ...figure,
      ratio: ratioOf(figure),
      met: isMet(figure),
    })),
  }));
  return { ...report, rows, met: isAllMet(report) };
}

/** The report as text. */
export function renderReport(report: Report): string {
  const { machine, rows } = report;
  const header = ['row', 'figure', 'ours', 'other side', 'ratio', 'target', 'verdict', 'rounds'];
  const lines = rows.flatMap(({ row, figures, problem }) => [
    ...figures.map((figure) => cellsOf(row, figure)),
    ...(problem === null ? [] : [[row, 'not measured', '-', '-', '-', '-', 'missed', '-']]),
  ]);
  const notes = rows.flatMap(({ row, figures, problem, load }) => [
    ...figures.map(({ what, note }) => `${row}, ${what}: ${note}`),
    ...(problem === null ? [] : [`${row}: ${problem}`]),
    `${row}: load of the machine ${load[0]} at its begin, ${load[1]} at its end`,
  ]);
  return [
    `${report.benchmark}, on ${machine.cores} cores of ${machine.processor}, ${machine.memoryGiB} GiB, ${machine.system}, Node ${machine.node}`,
    '',
    ...aligned([header, ...lines]),
    '',
    ...notes,
    '',
  ].join('\n');
}

function cellsOf(row: string, figure: Figure): string[] {
  const { what, unit, value, other, rounds } = figure;
  return [
    row,
    what,
    measured(value, unit),
    other === null ? '-' : `${measured(other.value, unit)} ${other.name}`,
    renderRatio(figure),
    renderTarget(figure),
    isMet(figure) ? 'met' : 'missed',
    String(rounds),
  ];
}

function measured(value: number, unit: Figure['unit']): string {
  if (unit === '') return String(value);
  const digits = unit === 's' || Math.abs(value) < 10 ? 1 : 0;
  return `${value.toFixed(digits)} ${unit}`;
}

/** Of times, below 1 it is told the other way round, as people say it. */
function renderRatio(figure: Figure): string {
  const ratio = ratioOf(figure);
  if (ratio === null) return '-';
  return ratio < 1 && 'atMost' in figure.target
    ? `${(1 / ratio).toFixed(2)}x faster`
    : `${ratio.toFixed(2)}x`;
}

function renderTarget({ target, unit }: Figure): string {
  const { of } = target;
  const ofUnit = unit === '' ? '' : ` ${unit}`;
  if ('atLeast' in target) return `>= ${target.atLeast}${of === 'value' ? ofUnit : 'x'}`;
  const { atMost } = target;
  if (of === 'value') return `<= ${atMost}${ofUnit}`;
  return atMost < 1 ? `>= ${Number((1 / atMost).toFixed(2))}x faster` : `<= ${atMost}x`;
}

function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
