import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Worker, type WorkflowBundleOption } from '@temporalio/worker';

/** Where the recorded histories lie. */
export const HISTORIES = fileURLToPath(new URL('histories/', import.meta.url));

/** The histories' names, in order. */
export function recordedNames(): readonly string[] {
  return readdirSync(HISTORIES)
    .map((file) => file.replace(/\.json$/, ''))
    .sort();
}

/** A recorded history; `edit` changes its text before it is read. */
export async function recordedHistory(
  name: string,
  edit = (text: string) => text,
): Promise<unknown> {
  const history: unknown = JSON.parse(edit(await recordedText(name)));
  return history;
}

/** A recorded history as its file holds it. */
export function recordedText(name: string): Promise<string> {
  return readFile(`${HISTORIES}${name}.json`, 'utf8');
}

/** Replays one history against workflow code; rejects with `DeterminismViolationError` where the code has other commands. */
export async function replay(
  workflowBundle: WorkflowBundleOption,
  history: unknown,
): Promise<void> {
  await Worker.runReplayHistory({ workflowBundle }, history);
}
