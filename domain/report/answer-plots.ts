import { markup, within, type Html } from './html.js';
import type { QualityPlots } from './plot-data.js';
import { drawing, label, rounded, scale, short } from './plot-frame.js';

type Confusion = NonNullable<QualityPlots['confusion']>;
type Calibration = NonNullable<QualityPlots['calibration']>;

/** Cells have numbers up to so many labels. */
const NUMBERED = 12;
const LEVELS = 8;
const LABEL_BYTES = 36;

/** Rows by label and answer: the darker, the larger the share of the label's rows. */
export function confusionPlot({ labels, counts }: Confusion): Html {
  const size = labels.length;
  const cell = size <= NUMBERED ? 40 : Math.max(9, Math.floor(520 / size));
  const [left, top] = [170, 130];
  const levels = Array.from({ length: LEVELS }, () => ({ right: '', wrong: '' }));
  const numbers: Html[] = [];
  for (const [row, answers] of counts.entries()) {
    const rows = answers.reduce((sum, count) => sum + count, 0);
    for (const [column, count] of answers.entries()) {
      const level = levels[Math.ceil((count / Math.max(rows, 1)) * LEVELS) - 1];
      if (level === undefined) continue; // no row
      const [x, y] = [left + column * cell, top + row * cell];
      level[row === column ? 'right' : 'wrong'] += `M${x} ${y + cell / 2}h${cell}`;
      if (size > NUMBERED) continue;
      numbers.push(label({ x: x + cell / 2, y: y + cell / 2 + 4, align: 'in' }, count));
    }
  }
  const end = cell * size;
  const shown = labels.map((text) => within(text, LABEL_BYTES));
  const words = {
    title: `Confusion matrix of ${size} labels`,
    description: 'A row is what was right, a column what was answered; the diagonal is right.',
  };
  return drawing(words, { width: left + end + 10, height: top + end + 10 }, [
    ...levels.flatMap(({ right, wrong }, level) => [
      ...(right === '' ? [] : [shaded('hit', level, { cell, path: right })]),
      ...(wrong === '' ? [] : [shaded('miss', level, { cell, path: wrong })]),
    ]),
    markup`<path class="axis" d="M${left} ${top}h${end}v${end}h-${end}z"/>`,
    ...numbers,
    ...shown.map((text, at) =>
      label({ x: left - 6, y: top + (at + 0.5) * cell + 4, align: 'end' }, text),
    ),
    ...shown.map((text, at) => {
      const [x, y] = [rounded(left + (at + 0.5) * cell + 4), top - 6];
      return markup`<text x="${x}" y="${y}" transform="rotate(-60 ${x} ${y})">${text}</text>`;
    }),
  ]);
}

/** Cells of one shade, each a stroke as wide as a cell: the shortest way to say many. */
function shaded(
  name: 'hit' | 'miss',
  level: number,
  { cell, path }: { readonly cell: number; readonly path: string },
): Html {
  const shade = rounded(0.1 + (0.75 * level) / (LEVELS - 1));
  return markup`<path class="${name}" stroke-width="${cell}" stroke-opacity="${shade}" d="${path}"/>`;
}

const lineOf = (points: readonly (readonly [number, number])[]) =>
  points.map(([x, y]) => `${x} ${y}`).join('L');

const FIELD = { left: 44, right: 330, top: 14, bottom: 300 } as const;

/** Share of right answers by their own probability; on the dashes both are equal. The size of a dot says how many rows it is. */
export function calibrationPlot(bins: Calibration): Html {
  const x = scale([0, 1], [FIELD.left, FIELD.right]);
  const y = scale([0, 1], [FIELD.bottom, FIELD.top]);
  const filled = bins.flatMap(({ rows, right, confidence }) =>
    confidence === null || rows === 0 ? [] : [{ rows, share: right / rows, confidence }],
  );
  const most = Math.max(1, ...filled.map(({ rows }) => rows));
  const worst = filled.reduce(
    (largest, { share, confidence }) => Math.max(largest, Math.abs(share - confidence)),
    0,
  );
  const words = {
    title: 'Calibration: share of right answers by their own probability',
    description: `${filled.length} of ${bins.length} bins have rows; the largest gap is ${short(worst)}.`,
  };
  return drawing(words, { width: 350, height: 340 }, [
    markup`<path class="axis" d="M${FIELD.left} ${FIELD.top}V${FIELD.bottom}H${FIELD.right}"/>`,
    markup`<path class="limit" d="M${x(0)} ${y(0)}L${x(1)} ${y(1)}"/>`,
    ...(filled.length === 0
      ? []
      : [
          markup`<path class="span" d="M${lineOf(filled.map((bin) => [x(bin.confidence), y(bin.share)]))}"/>`,
        ]),
    ...filled.map(
      ({ rows, share, confidence }) =>
        markup`<circle class="data" cx="${x(confidence)}" cy="${y(share)}" r="${rounded(2.5 + 5 * Math.sqrt(rows / most))}"/>`,
    ),
    ...[0, 0.5, 1].flatMap((at) => [
      label({ x: x(at), y: FIELD.bottom + 14, align: 'middle' }, at),
      label({ x: FIELD.left - 6, y: y(at) + 4, align: 'end' }, at),
    ]),
    label(
      { x: (FIELD.left + FIELD.right) / 2, y: 334, align: 'middle' },
      'probability of the answer',
    ),
    label({ x: FIELD.left + 6, y: FIELD.top + 2 }, 'share that is right'),
  ]);
}
