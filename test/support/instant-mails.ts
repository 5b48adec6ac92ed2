import { inCut } from '../../domain/dataset.js';
import type { DatasetSource, Row } from '../../domain/ports/dataset-source.js';
import { LABELS, WORDS } from './small-models.js';

/** The middle of the time of `instantMails`. */
export const HALF_WAY = '2026-01-11T00:00:00Z';

/** Twenty days of mails, three a day, that the instant trainer's model has right. */
export const instantMails: DatasetSource = {
  rows: (cut) =>
    Promise.resolve(
      Array.from({ length: 60 }, (_, index): Row => {
        const day = String(1 + Math.floor(index / 3)).padStart(2, '0');
        const [word = '', label = ''] = [WORDS[index % 3], LABELS[index % 3]];
        const at = `2026-01-${day}T08:00:00.000Z`;
        return { id: `mail-${index}`, at, label, text: `${word}, please` };
      }).filter(({ at }) => inCut(at, cut)),
    ),
};
