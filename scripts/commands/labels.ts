import { LabelFiles } from '../../adapters/monitoring/label-files.js';
import { PortError } from '../../domain/failures.js';
import { LabelTable } from '../../domain/monitor/labels.js';
import { monitorWorkflowId } from '../../workflows/monitor-messages.js';
import { readLabels } from './labels-file.js';
import { openBucket } from './terminal/bucket.js';
import { defineCommand } from './terminal/define-command.js';
import { findPlace, pageOf, requireModel } from './terminal/place.js';
import { UsageError } from './terminal/usage-error.js';
import { typed } from './terminal/words.js';

/** `switchyard labels add <model> --file labels.csv`: what was right, said after the answers. */
export const runLabelsAdd = defineCommand({
  name: 'labels add',
  takes: '<model>',
  summary: 'adds labels to answers that were given; the monitor judges accuracy by them',
  more: [
    'A CSV with a head: requestId,row,label (row may be left out for requests of one row), or JSON lines of the same.',
    'The request id is the "id" of the endpoint’s answer. Of several labels for one row the latest counts.',
  ],
  options: { file: { type: 'string', value: 'FILE', about: 'the labels: .csv or .jsonl' } },
  run: async ({ values, words: [model = ''], terminal }) => {
    if (values.file === undefined)
      throw new UsageError('name the file of labels: --file labels.csv');
    const labels = await readLabels(values.file);
    const place = await findPlace();
    requireModel(place, model);
    const { registry, store } = openBucket(place);
    if ((await registry.live(model)) === null) {
      throw new PortError(
        'UnknownModel',
        `nothing of "${model}" was ever live, so there are no answers to label: look whether the name is right`,
      );
    }
    const files = new LabelFiles(store);
    const { added, known } = await terminal.during('adding labels', files.add(model, labels));
    const table = new LabelTable();
    for (const label of labels) table.add(label, 0);
    const { conflicts } = table;
    const repeated = known > 0 ? `, ${known} were there already` : '';
    const contradicted =
      conflicts > 0 ? `; ${conflicts} contradict another line, the last counts` : '';
    return {
      lines: [`${added} labels added to ${model}${repeated}${contradicted}`],
      facts: { model, added, known, conflicts },
      webUi: pageOf(place, monitorWorkflowId(model)),
      next: [typed('monitor', 'status', model)],
    };
  },
});
