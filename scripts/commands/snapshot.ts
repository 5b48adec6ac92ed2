import { ObjectSnapshots } from '../../adapters/snapshots/object-snapshots.js';
import { timeCutSchema, type TimeCut } from '../../domain/spec.js';
import { loadProject } from '../../workers/project.js';
import { openBucket } from './terminal/bucket.js';
import { defineCommand } from './terminal/define-command.js';
import { findPlace, pageOf } from './terminal/place.js';
import { UsageError } from './terminal/usage-error.js';
import { typed } from './terminal/words.js';

/** `switchyard snapshot <source>`: an immutable data set of a source's rows. */
export const runSnapshot = defineCommand({
  name: 'snapshot',
  takes: '<source>',
  summary: 'takes a snapshot of a data source’s rows: digest, rows, labels',
  options: {
    from: { type: 'string', value: 'INSTANT', about: 'rows of this time on' },
    until: { type: 'string', value: 'INSTANT', about: 'and before this one' },
    config: { type: 'string', value: 'FILE', about: 'the configuration; switchyard.config.ts' },
  },
  run: async ({ values, words: [source = ''], terminal }) => {
    const cut = cutOf({ from: values.from, until: values.until });
    const place = await findPlace();
    const bucket = openBucket(place);
    const { sources, models } = await loadProject(values.config ?? 'switchyard.config.ts');
    const snapshots = new ObjectSnapshots(bucket.store, sources);
    const taken = await terminal.during(`reading ${source}`, snapshots.take(source, cut));
    const [model] = Object.values(models).flatMap(({ model: name, train }) =>
      train.source === source ? [name] : [],
    );
    return {
      lines: [
        `${taken.name}: ${taken.rows} rows, digest ${taken.digest}`,
        `labels ${taken.labels.join(', ')}`,
        `s3://${bucket.name}/datasets/${taken.name}/${taken.digest}/`,
      ],
      facts: { ...taken },
      webUi: pageOf(place, null),
      next: [model === undefined ? typed('status') : typed('start', model)],
    };
  },
});

function cutOf(given: { from: string | undefined; until: string | undefined }): TimeCut {
  const parsed = timeCutSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  throw new UsageError('--from and --until take an instant, such as 2026-01-31T00:00:00Z');
}
