import { manifestDifferences } from '../../domain/manifest-difference.js';
import { liveWorkflowId } from '../../workflows/messages.js';
import { findVersion, openBucket } from './terminal/bucket.js';
import { defineCommand } from './terminal/define-command.js';
import { findPlace, pageOf } from './terminal/place.js';
import { renderTable } from './terminal/table.js';
import { typed } from './terminal/words.js';

/** Longer values are cut in the table; the JSON has them whole. */
const WIDEST = 32;

/** `switchyard diff <model> <n> <m>`: what differs between two versions. */
export const runDiff = defineCommand({
  name: 'diff',
  takes: '<model> <n> <m>',
  summary: 'what differs between two versions: files, contract, data, parameters, metrics',
  options: {},
  run: async ({ words: [model = '', n = '', m = ''], terminal }) => {
    const place = await findPlace();
    const bucket = openBucket(place);
    const reading = Promise.all([n, m].map((word) => findVersion(bucket, place, model, word)));
    const [left, right] = await terminal.during(`reading ${bucket.name}`, reading);
    const differences =
      left === undefined || right === undefined
        ? []
        : manifestDifferences(left.manifest, right.manifest);
    const cut = (value: string | null) =>
      value === null ? '-' : value.length > WIDEST ? `${value.slice(0, WIDEST)}…` : value;
    return {
      lines:
        differences.length === 0
          ? [`${model}: version ${n} and version ${m} are the same`]
          : renderTable([
              ['part', 'name', `version ${n}`, `version ${m}`],
              ...differences.map(({ part, name, ...of }) => [
                part,
                name,
                cut(of.left),
                cut(of.right),
              ]),
            ]),
      facts: { model, left: left?.version, right: right?.version, differences },
      webUi: pageOf(place, liveWorkflowId(model)),
      next: [...new Set([n, m])].map((each) => typed('show', model, each)),
    };
  },
});
