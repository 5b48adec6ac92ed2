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
