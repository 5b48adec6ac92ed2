import { markup, type Html } from './html.js';
import { drawing, label, rounded, scale, short, type PlotWords } from './plot-frame.js';
import type { SystemPlots } from './plot-data.js';

const SIZE = { width: 560, height: 200 } as const;
const FIELD = { left: 44, right: 552, top: 24, bottom: 168 } as const;

/** Rows by the time that one row takes, on a logarithmic scale; `marks` are times to be named, such as quantiles. */
export function latencyPlot(
  { edgesMs, counts }: NonNullable<SystemPlots['latency']>,
  marks: readonly { readonly name: string; readonly valueMs: number }[],
): Html {
  const [lowest, highest] = [edgesMs[0] ?? 1, edgesMs.at(-1) ?? 1];
  const rows = counts.reduce((sum, count) => sum + count, 0);
  const most = Math.max(1, ...counts);
  const straight = scale([Math.log(lowest), Math.log(highest)], [FIELD.left, FIELD.right]);
  const x = (ms: number) =>
    lowest === highest
      ? (FIELD.left + FIELD.right) / 2
      : straight(Math.log(Math.min(Math.max(ms, lowest), highest)));
  const width = rounded((FIELD.right - FIELD.left) / counts.length);
  const y = scale([0, most], [FIELD.bottom, FIELD.top]);
  const bars = counts.flatMap((count, bin) =>
    count === 0
      ? []
      : [
          `M${rounded(FIELD.left + bin * width)} ${FIELD.bottom}v${rounded(y(count) - FIELD.bottom)}h${rounded(width - 1)}V${FIELD.bottom}z`,
        ],
  );
  const ticks = [0, 0.25, 0.5, 0.75, 1].map((share) => lowest * (highest / lowest) ** share);
  const words: PlotWords = {
    title: `Latency of ${rows} rows, one at a time`,
    description: `From ${short(lowest)} ms to ${short(highest)} ms on a logarithmic scale; at most ${most} rows in a bin. ${marks.map(({ name, valueMs }) => `${name}: ${short(valueMs)} ms`).join(', ')}.`,
  };
  return drawing(words, SIZE, [
    markup`<path class="data" d="${bars.join('')}"/>`,
    markup`<path class="axis" d="M${FIELD.left} ${FIELD.top}V${FIELD.bottom}H${FIELD.right}"/>`,
    label({ x: FIELD.left - 4, y: FIELD.top + 4, align: 'end' }, most),
    label({ x: FIELD.left - 4, y: FIELD.bottom, align: 'end' }, 0),
    ...ticks.map((ms) => label({ x: x(ms), y: FIELD.bottom + 14, align: 'middle' }, short(ms))),
    label(
      { x: (FIELD.left + FIELD.right) / 2, y: SIZE.height - 4, align: 'middle' },
      'ms, one row',
    ),
    ...marks.flatMap(({ name, valueMs }, at) => [
      markup`<path class="limit" d="M${x(valueMs)} ${FIELD.top}V${FIELD.bottom}"/>`,
      label({ x: x(valueMs) - 3, y: 10 + (at % 2) * 11, align: 'end' }, name),
    ]),
  ]);
}

/** The peak of memory after each batch, from the shortest rows to the longest; `limitBytes`: what the gate allows. */
export function memoryPlot(batches: SystemPlots['memory'], limitBytes: number | null): Html {
  const peak = Math.max(...batches.map(({ peakRssBytes }) => peakRssBytes));
  const high = Math.max(peak, limitBytes ?? 0) / 1e6;
  const x = scale([0, Math.max(1, batches.length - 1)], [FIELD.left + 12, FIELD.right - 12]);
  const y = scale([0, high], [FIELD.bottom, FIELD.top]);
  const points = batches.map(({ peakRssBytes }, at) => `${x(at)} ${y(peakRssBytes / 1e6)}`);
  const words: PlotWords = {
    title: 'Peak memory by length of the rows',
    description: `${batches.length} batches; the peak is ${short(peak / 1e6)} MB${limitBytes === null ? '' : `, the limit ${short(limitBytes / 1e6)} MB`}.`,
  };
  return drawing(words, SIZE, [
    markup`<path class="axis" d="M${FIELD.left} ${FIELD.top}V${FIELD.bottom}H${FIELD.right}"/>`,
    markup`<path class="span" d="M${points.join('L')}"/>`,
    ...batches.map(
      ({ peakRssBytes }, at) =>
        markup`<circle class="data" cx="${x(at)}" cy="${y(peakRssBytes / 1e6)}" r="3"/>`,
    ),
    ...(limitBytes === null
      ? []
      : [
          markup`<path class="limit" d="M${FIELD.left} ${y(limitBytes / 1e6)}H${FIELD.right}"/>`,
          label({ x: FIELD.right, y: y(limitBytes / 1e6) - 4, align: 'end' }, 'limit'),
        ]),
    label({ x: FIELD.left - 4, y: FIELD.top + 4, align: 'end' }, short(high)),
    label({ x: FIELD.left - 4, y: FIELD.bottom, align: 'end' }, 0),
    ...[...batches.keys()]
      .filter((at) => at % Math.ceil(batches.length / 8) === 0)
      .map((at) =>
        label({ x: x(at), y: FIELD.bottom + 14, align: 'middle' }, batches[at]?.longestBytes ?? 0),
      ),
    label({ x: 4, y: 10 }, 'MB'),
    label(
      { x: (FIELD.left + FIELD.right) / 2, y: SIZE.height - 4, align: 'middle' },
      'longest row of the batch, bytes',
    ),
  ]);
}
