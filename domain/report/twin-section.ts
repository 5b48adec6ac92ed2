import { amount } from '../gate.js';
import type { EvidenceReport, VariantLine } from './evidence-report.js';
import { NOTHING, within, type Html } from './html.js';
import { figure, section, sentence, tableOf, theirs, type Cell } from './page-parts.js';
import { gatesTable, verdictMark } from './verdict-sections.js';

const NAME_BYTES = 80;
const AMOUNT_BYTES = 48;
const REASON_BYTES = 1_200;

/** The full model beside its smaller twin, and which of them goes on; nothing where nobody asked for a twin. */
export function twinSection({ twin }: EvidenceReport): Html {
  if (twin === null) return NOTHING;
  const heading = 'Full model and twin';
  const { variants, gates, calls, reason } = twin;
  const why = sentence(within(reason.slice(0, 1).toUpperCase() + reason.slice(1), REASON_BYTES));
  if (variants.length === 0) return section(heading, why);
  const turns =
    calls === null
      ? 'They could not be called in turn.'
      : `The time of a call is the median of ${calls.rounds} rounds, in which both were called in turn, ${calls.calls} times each.`;
  return section(
    heading,
    tableOf({
      caption: 'Both files of this version; the one that is taken is what its evidence names',
      head: ['file', '', 'size', 'p50 of a call', 'memory', 'accuracy', 'own gates'],
      rows: variants.map((variant, index) => variantCells(variant, index === 0)),
    }),
    why,
    gatesTable('The twin against the full model', gates),
    sentence(turns),
  );
}

function variantCells(variant: VariantLine, isFull: boolean): readonly Cell[] {
  const { artifact, isTaken, bytes, p50Ms, peakRssBytes, accuracy, verdict } = variant;
  const shown = (value: number | null, unit: string) =>
    figure(value === null ? 'not measured' : within(amount(value, { unit }), AMOUNT_BYTES));
  return [
    theirs(artifact, NAME_BYTES),
    theirs(`${isFull ? 'full model' : 'twin'}${isTaken ? ', taken' : ''}`, NAME_BYTES),
    shown(bytes, 'bytes'),
    shown(p50Ms, 'ms'),
    shown(peakRssBytes, 'bytes'),
    shown(accuracy, ''),
    verdictMark(verdict),
  ];
}
