import { amount } from '../gate.js';
import type { EvidenceReport, GateLine, MeasuredLine } from './evidence-report.js';
import { markup, NOTHING, within, type Html } from './html.js';
import { intervalMark, shareBar } from './interval-mark.js';
import { figure, section, sentence, sideBySide, tableOf, theirs, type Cell } from './page-parts.js';
import { short } from './plot-frame.js';

/** Bytes that a name, a sentence and a number with its unit may take. */
const NAME_BYTES = 80;
const SENTENCE_BYTES = 300;
const AMOUNT_BYTES = 48;

/** A verdict as a word with its colour. */
export function verdictMark(verdict: string): Html {
  return markup`<span class="mark ${verdict === 'not applicable' ? 'soft' : verdict}">${verdict}</span>`;
}

/** Every gate with its limit, value and interval, and why it ended so. */
export function gatesSection({ gates }: EvidenceReport): Html {
  return section(
    'Verdicts',
    gatesTable('What was asked, what was measured, and how it was judged', gates.shown, gates.more),
  );
}

/** Gates with their limits, values and intervals. */
export function gatesTable(caption: string, gates: readonly GateLine[], more = 0): Html {
  return tableOf({
    caption,
    head: [
      'gate',
      'verdict',
      'value',
      'limit',
      'interval',
      'value, interval and limit',
      'rows',
      'why',
    ],
    rows: gates.map(gateCells),
    more,
    isWide: true,
  });
}

function gateCells(gate: GateLine): readonly Cell[] {
  const { metric, verdict, value, limit, side, interval, sample, reason } = gate;
  const shown = (number: number) => within(amount(number, gate), AMOUNT_BYTES);
  return [
    theirs(metric, NAME_BYTES),
    verdictMark(verdict),
    figure(value === null ? '' : shown(value)),
    figure(limit === null ? '' : `${side === 'min' ? '≥' : '≤'} ${shown(limit)}`),
    figure(interval === null ? '' : `${shown(interval.low)} to ${shown(interval.high)}`),
    value === null ? NOTHING : intervalMark({ value, limit, interval }),
    figure(String(sample)),
    theirs(reason, SENTENCE_BYTES),
  ];
}

/** Everything that was measured, with and without a gate. */
export function measuredSection({ measured, machine }: EvidenceReport): Html {
  return section(
    'Measured',
    tableOf({
      caption: 'Every metric, with and without a gate',
      head: ['metric', 'value', 'interval', 'rows', 'what it is'],
      rows: measured.shown.map(measuredCells),
      more: measured.more,
      isWide: true,
    }),
    markup`<p class="soft">On <bdi>${machine}</bdi>.</p>`,
  );
}

function measuredCells(line: MeasuredLine): readonly Cell[] {
  const { metric, value, interval, sample, error, meaning } = line;
  const shown = (number: number) => within(amount(number, line), AMOUNT_BYTES);
  const span = interval === null ? '' : `${shown(interval.low)} to ${shown(interval.high)}`;
  const percent = interval === null ? '' : ` (${Math.round(interval.confidence * 100)} %)`;
  return [
    theirs(metric, NAME_BYTES),
    figure(value === null ? 'not measured' : shown(value)),
    figure(`${span}${percent}`),
    figure(String(sample)),
    theirs(error ?? meaning, SENTENCE_BYTES),
  ];
}

/** The candidate against what was live. */
export function comparisonSection({ baseline, plots, measured }: EvidenceReport): Html {
  const heading = 'Candidate against baseline';
  if (baseline === null) return section(heading, sentence('Nothing was live to compare it with.'));
  const against = plots?.quality?.against ?? null;
  const name =
    baseline.version === null
      ? `version ${baseline.digest.slice(0, 12)}`
      : `version ${baseline.version}`;
  const valueOf = (metric: string) => measured.shown.find((line) => line.metric === metric)?.value;
  const pair = (metric: string, before: number): readonly Cell[] => {
    const now = valueOf(metric) ?? null;
    return [
      theirs(metric, NAME_BYTES),
      figure(short(before)),
      figure(now === null ? '' : short(now)),
      figure(now === null ? '' : short(now - before)),
    ];
  };
  if (against === null) {
    return section(
      heading,
      sentence(`It was compared with ${name}; how often either was right was not kept.`),
    );
  }
  const { bothRight, onlyCandidate, onlyBaseline, bothWrong } = against;
  return section(
    heading,
    sentence(`Both answered the same rows; what was live is ${name}.`),
    sideBySide(
      tableOf({
        caption: 'On the same rows',
        head: ['metric', 'baseline', 'candidate', 'difference'],
        rows: [pair('accuracy', against.accuracy), pair('macro-f1', against.macroF1)],
      }),
      tableOf({
        caption: 'Rows by who of them is right',
        head: ['', 'baseline right', 'baseline wrong'],
        rows: [
          [markup`candidate right`, figure(String(bothRight)), figure(String(onlyCandidate))],
          [markup`candidate wrong`, figure(String(onlyBaseline)), figure(String(bothWrong))],
        ],
      }),
    ),
  );
}

/** Accuracy within each slice, the worst first. */
export function slicesSection({ slices }: EvidenceReport): Html {
  if (slices.shown.length === 0) return section('Slices', sentence('No slices were measured.'));
  return section(
    'Slices',
    tableOf({
      caption: 'Accuracy within each slice of the held-out rows, the worst first',
      head: ['slice', 'accuracy', '', 'rows'],
      rows: slices.shown.map(({ slice, value, sample }) => [
        theirs(slice, NAME_BYTES),
        figure(within(value.toFixed(3), AMOUNT_BYTES)),
        shareBar(value),
        figure(String(sample)),
      ]),
      more: slices.more,
    }),
  );
}

/** How the cell of a slice's name looks: by it a page is found that shows a person's. */
export function sliceCell(slice: string): string {
  return tableOf({ caption: '', head: [], rows: [[theirs(slice, NAME_BYTES)]] })
    .toString()
    .replace(/^[^]*<tr>/, '')
    .replace(/<\/tr>[^]*$/, '');
}
