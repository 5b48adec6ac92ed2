import { calibrationPlot, confusionPlot } from './answer-plots.js';
import type { EvidenceReport } from './evidence-report.js';
import { markup, NOTHING, type Html } from './html.js';
import { figure, section, sentence, sideBySide, tableOf, theirs } from './page-parts.js';
import type { QualityPlots } from './plot-data.js';
import { short } from './plot-frame.js';

const LABEL_BYTES = 72;
const MISTAKES_SHOWN = 15;
const NOT_KEPT = 'It was tested before this was kept, or could not answer.';

/** Which labels were taken for which. */
export function confusionSection({ plots }: EvidenceReport): Html {
  const confusion = plots?.quality?.confusion ?? null;
  const heading = 'Confusion matrix';
  if (confusion === null || confusion.labels.length === 0) {
    return section(heading, sentence(NOT_KEPT));
  }
  const { pooled, labels } = confusion;
  const { shown, more } = mistakesOf(confusion);
  return section(
    heading,
    pooled === 0
      ? NOTHING
      : sentence(
          `The ${labels.length - 1} labels with the most rows; the last one pools the ${pooled} others.`,
        ),
    sideBySide(
      confusionPlot(confusion),
      tableOf({
        caption: 'The most frequent mistakes',
        head: ['label', 'was answered', 'rows'],
        rows: shown.map(({ label, answer, count }) => [
          theirs(label, LABEL_BYTES),
          theirs(answer, LABEL_BYTES),
          figure(String(count)),
        ]),
        more,
      }),
      labelTable(confusion),
    ),
  );
}

type Confusion = NonNullable<QualityPlots['confusion']>;

function mistakesOf({ labels, counts }: Confusion) {
  const all = counts.flatMap((answers, row) =>
    answers.flatMap((count, column) =>
      count === 0 || row === column
        ? []
        : [{ label: labels[row] ?? '', answer: labels[column] ?? '', count }],
    ),
  );
  const sorted = all.sort((one, other) => other.count - one.count);
  return { shown: sorted.slice(0, MISTAKES_SHOWN), more: Math.max(0, all.length - MISTAKES_SHOWN) };
}

/** Recall and precision of each label. */
function labelTable({ labels, counts, pooled }: Confusion): Html {
  const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + each, 0);
  const share = (part: number, of: number) => figure(of === 0 ? '' : (part / of).toFixed(3));
  return tableOf({
    caption: 'By label',
    head: ['label', 'rows', 'found (recall)', 'right where answered (precision)'],
    // within what is pooled nothing tells right from wrong
    rows: labels.slice(0, pooled === 0 ? undefined : -1).map((label, at) => {
      const right = counts[at]?.[at] ?? 0;
      const rows = sum(counts[at] ?? []);
      const answered = sum(counts.map((answers) => answers[at] ?? 0));
      return [
        theirs(label, LABEL_BYTES),
        figure(String(rows)),
        share(right, rows),
        share(right, answered),
      ];
    }),
  });
}

/** Whether an answer's probability is how often it is right. */
export function calibrationSection({ plots, measured }: EvidenceReport): Html {
  const calibration = plots?.quality?.calibration ?? null;
  const heading = 'Calibration';
  if (calibration === null) return section(heading, sentence(NOT_KEPT));
  const error = measured.shown.find(({ metric }) => metric === 'calibration-error')?.value ?? null;
  return section(
    heading,
    error === null ? NOTHING : sentence(`The expected calibration error is ${short(error)}.`),
    sideBySide(
      calibrationPlot(calibration),
      tableOf({
        caption: 'Answers by their own probability',
        head: ['probability', 'rows', 'mean', 'right'],
        rows: calibration.map(({ rows, right, confidence }, bin) => [
          markup`${(bin / 10).toFixed(1)} to ${((bin + 1) / 10).toFixed(1)}`,
          figure(String(rows)),
          figure(confidence === null ? '' : confidence.toFixed(3)),
          figure(rows === 0 ? '' : (right / rows).toFixed(3)),
        ]),
      }),
    ),
  );
}
