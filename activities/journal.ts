import { Context } from '@temporalio/activity';
import { z } from 'zod';
import { PortError } from '../domain/failures.js';
import { journalHeadSchema } from '../domain/journal-head.js';
import { journalEntrySchema } from '../domain/journal.js';
import { nameSchema } from '../domain/names.js';
import type { Journal } from '../domain/ports/journal.js';
import { defineActivity } from './define-activity.js';
import { withHeartbeats } from './heartbeats.js';

export interface JournalPorts {
  readonly journal: Journal;
}

/** What is kept of a lifecycle, also when Temporal has forgotten it. */
export function createJournalActivities({ journal }: JournalPorts) {
  return {
    /**
     * Writes what happened into the journal of the run that asks: which one that is says Temporal, and no input. Throws `StoreRefused`
     * where something else is in a line's place.
     */
    writeJournal: defineActivity(
      z.strictObject({
        model: nameSchema,
        after: journalHeadSchema.nullable(),
        entries: z.tuple([journalEntrySchema], journalEntrySchema).readonly(),
      }),
      (input) =>
        withHeartbeats(() => {
          const { workflowExecution } = Context.current().info;
          if (workflowExecution === undefined) {
            throw new PortError('InvalidRequest', 'only a workflow has a journal');
          }
          const { workflowId, runId: run } = workflowExecution;
          return journal.write({ ...input, workflowId, run });
        }),
    ),
  };
}
