import { takeInventory } from '../../adapters/registry/inventory.js';
import { sweep } from '../../adapters/registry/sweep.js';
import { connectClient } from '../../client/connect.js';
import { OpenWorkflows } from '../../client/open-work.js';
import { PortError } from '../../domain/failures.js';
import { shortDigest } from '../../domain/names.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import {
  planSweep,
  type SweepInventory,
  type SweepItem,
  type SweepPlan,
} from '../../domain/sweep.js';
import { loadProject } from '../../workers/project.js';
import { findModel } from '../../activities/resolve.js';
import type { Answer } from './terminal/answer.js';
import { defineCommand } from './terminal/define-command.js';
import { openBucket } from './terminal/bucket.js';
import { findPlace, type Place } from './terminal/place.js';
import { renderTable } from './terminal/table.js';
import type { Terminal } from './terminal/terminal.js';
import { UsageError } from './terminal/usage-error.js';
import { size, typed } from './terminal/words.js';

/** Kept things that are named one by one; of more only the number is told. */
const KEPT_SHOWN = 10;

/** `switchyard sweep [<model>]`: shows what retention would delete; with `--delete --plan` deletes exactly that. */
export const runSweep = defineCommand({
  name: 'sweep',
  takes: '[<model>]',
  summary: 'what retention would delete, and why; with --delete --plan DIGEST deletes exactly that',
  more: [
    'What is live, previous or remembered by live.json stays, and whatever an open workflow or a kept version rests on.',
    'Of one model: its versions, reports, windows, prediction log and staging; of all: snapshots too.',
  ],
  options: {
    delete: { type: 'boolean', about: 'delete what the plan says' },
    plan: { type: 'string', value: 'DIGEST', about: 'the plan that was shown; --delete needs it' },
    config: { type: 'string', value: 'FILE', about: 'switchyard.config.ts where left out' },
  },
  run: async ({ values, words: [model], terminal }) => {
    if (values.delete && values.plan === undefined) {
      throw new UsageError('sweep --delete needs --plan: look first, and give the plan it names');
    }
    if (values.plan !== undefined && !/^[0-9a-f]{12,64}$/.test(values.plan)) {
      throw new UsageError('--plan is at least the first 12 digits of the digest that sweep shows');
    }
    const place = await findPlace();
    const connected = await connectClient({ ...place.temporal, isImpatient: true });
    try {
      const open = new OpenWorkflows(connected.client);
      const found = await look(terminal, { place, open, model, config: values.config });
      if (!values.delete) return planAnswer(found.plan, model);
      return await carryOut(terminal, { ...found, open, model, named: values.plan ?? ' ' });
    } finally {
      await connected.close();
    }
  },
});

/** Deletes what the plan says, if it is still the one that was shown. */
async function carryOut(
  terminal: Terminal,
  given: Looked & { open: OpenWorkflows; model: string | undefined; named: string },
): Promise<Answer> {
  const { store, inventory, plan, open, model, named } = given;
  if (!plan.digest.startsWith(named)) {
    throw new PortError(
      'InvalidRequest',
      `the plan is ${shortDigest(plan.digest)} now, not ${named}: something changed since; look again with ${typed('sweep', ...(model === undefined ? [] : [model]))}`,
    );
  }
  terminal.ifInterrupted(
    'interrupted: what was deleted is gone, nothing is half there; look again',
  );
  const sweeping = sweep(store, plan, inventory, { openNow: () => open.work() });
  const swept = await terminal.during('deleting', sweeping);
  return {
    lines: [
      `${swept.things} things deleted: ${swept.objects} objects, ${size(swept.bytes)}`,
      ...swept.spared.map((name) => `${name} serves or is needed by now, and stays`),
    ],
    facts: { deleted: swept, plan: plan.digest },
    webUi: null,
    next: [typed('sweep')],
  };
}

interface Looked {
  readonly store: ObjectStore;
  readonly inventory: SweepInventory;
  readonly plan: SweepPlan;
}

/** Asks bucket, Temporal and configuration, and makes the plan. */
async function look(
  terminal: Terminal,
  given: {
    place: Place;
    open: OpenWorkflows;
    model: string | undefined;
    config?: string | undefined;
  },
): Promise<Looked> {
  const { place, open, model, config = 'switchyard.config.ts' } = given;
  const { store } = openBucket(place);
  const { models } = await loadProject(config);
  const chosen = model === undefined ? Object.values(models) : [findModel(models, model)];
  const bucket = await terminal.during('looking at the bucket', takeInventory(store));
  const runs = bucket.staging.map(({ run }) => run);
  const [work, states] = await terminal.during(
    'asking Temporal what is open',
    Promise.all([open.work(), open.runs(runs)]),
  );
  const staging = bucket.staging.map((each) => ({
    ...each,
    ...(states.get(each.run) ?? ({ model: null, state: 'unknown' } as const)),
  }));
  const inventory = { ...bucket, staging };
  const plan = planSweep({
    inventory,
    open: work,
    retention: Object.fromEntries(chosen.map((spec) => [spec.model, spec.retention])),
    includesShared: model === undefined,
    now: bucket.now,
  });
  return { store, inventory, plan };
}

function planAnswer(plan: SweepPlan, model: string | undefined): Answer {
  const [goes, stays] = [true, false].map((is) =>
    plan.items.filter((each) => each.isDeleted === is),
  );
  const deleted = goes ?? [];
  const kept = stays ?? [];
  const bytes = (items: readonly SweepItem[]) => items.reduce((sum, each) => sum + each.bytes, 0);
  const rows = (items: readonly SweepItem[]) =>
    items.map((each) => [`  ${each.kind}`, each.name, size(each.bytes), each.why]);
  const more = kept.length - KEPT_SHOWN;
  const only = model === undefined ? [] : [model];
  return {
    lines: [
      `would be deleted: ${deleted.length} things, ${size(bytes(deleted))}`,
      ...renderTable(rows(deleted)),
      `stays: ${kept.length} things, ${size(bytes(kept))}`,
      ...renderTable(rows(kept.slice(0, KEPT_SHOWN))),
      ...(more > 0 ? [`  and ${more} more: --json shows all`] : []),
    ],
    facts: { plan: plan.digest, items: plan.items },
    webUi: null,
    next:
      deleted.length === 0
        ? [typed('status')]
        : [typed('sweep', ...only, '--delete', '--plan', shortDigest(plan.digest))],
  };
}
