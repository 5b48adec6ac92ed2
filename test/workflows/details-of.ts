import { z } from 'zod';
import type { Rig } from '../../testing/rig.js';

const metadataSchema = z.object({ currentDetails: z.string() });

/** A run's current details, as the web UI asks for them. */
export async function detailsOf({ client }: Rig, workflowId: string): Promise<string> {
  const metadata: unknown = await client.workflow
    .getHandle(workflowId)
    .query('__temporal_workflow_metadata');
  return metadataSchema.parse(metadata).currentDetails;
}

const updatesSchema = z.object({
  definition: z.object({
    updateDefinitions: z.array(z.object({ name: z.string(), description: z.string() })),
  }),
});

/** The JSON that the web UI shows beside an update, as its description gives it. */
export async function exampleOf({ client }: Rig, workflowId: string, update: string) {
  const metadata: unknown = await client.workflow
    .getHandle(workflowId)
    .query('__temporal_workflow_metadata');
  const { updateDefinitions } = updatesSchema.parse(metadata).definition;
  const description = updateDefinitions.find(({ name }) => name === update)?.description ?? '';
  return z.record(z.string(), z.string()).parse(JSON.parse(/\{.*\}/.exec(description)?.[0] ?? ''));
}
