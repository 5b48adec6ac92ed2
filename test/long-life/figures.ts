import assert from 'node:assert/strict';
import type { HistoryAndWorkflowId } from '@temporalio/client';

/** How large what Temporal keeps of some workflows has become. */
export interface HistoryFigures {
  /** Runs that went on as new. */
  readonly continued: number;
  /** Of the largest input that a run handed to the next, in bytes. */
  readonly largestCarried: number;
  /** Of the largest payload in any event, in bytes. */
  readonly largestPayload: number;
  readonly mostEvents: number;
}

/** What the limits are: the state that a run carries, what an event may hold, and how long a history may be. */
export const LIMITS = {
  largestCarried: 32 * 1024,
  largestPayload: 128 * 1024,
  mostEvents: 10_240 - 1,
} as const;

/** Looks at the history of every run. */
export async function historyFigures(
  histories: AsyncIterable<HistoryAndWorkflowId>,
): Promise<HistoryFigures> {
  let [continued, largestCarried, largestPayload, mostEvents] = [0, 0, 0, 0];
  for await (const { history } of histories) {
    const events: unknown = Reflect.get(Object(history), 'events');
    assert.ok(Array.isArray(events));
    mostEvents = Math.max(mostEvents, events.length);
    for (const event of events.map(Object)) {
      const payloads = payloadSizes(event);
      largestPayload = Math.max(largestPayload, ...payloads);
      const goesOn: unknown = Reflect.get(event, 'workflowExecutionContinuedAsNewEventAttributes');
      if (goesOn === null || goesOn === undefined) continue;
      continued += 1;
      largestCarried = Math.max(largestCarried, ...payloadSizes(goesOn));
    }
  }
  return { continued, largestCarried, largestPayload, mostEvents };
}

/** Of two sets of workflows together. */
export function joined(one: HistoryFigures, other: HistoryFigures): HistoryFigures {
  return {
    continued: one.continued + other.continued,
    largestCarried: Math.max(one.largestCarried, other.largestCarried),
    largestPayload: Math.max(one.largestPayload, other.largestPayload),
    mostEvents: Math.max(one.mostEvents, other.mostEvents),
  };
}

function payloadSizes(value: unknown): number[] {
  if (value instanceof Uint8Array) return [value.length];
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap(payloadSizes);
}
