import type { Client } from '@temporalio/client';

type History = Awaited<ReturnType<ReturnType<Client['workflow']['getHandle']>['fetchHistory']>>;

/** How large a run's history is. */
export interface HistoryFigures {
  readonly events: number;
  /** Those that a worker completed. */
  readonly workflowTasks: number;
  readonly largestPayloadBytes: number;
  readonly bytesOfAllPayloads: number;
}

/** Counts a history, and measures every byte string in it, payloads before all. */
export function historyFigures({ events }: History): HistoryFigures {
  const sizes = [...byteStringsIn(events)].map(({ byteLength }) => byteLength);
  return {
    events: events?.length ?? 0,
    workflowTasks: (events ?? []).filter((event) => event.workflowTaskCompletedEventAttributes)
      .length,
    largestPayloadBytes: Math.max(0, ...sizes),
    bytesOfAllPayloads: sizes.reduce((sum, size) => sum + size, 0),
  };
}

function* byteStringsIn(value: unknown): Generator<Uint8Array> {
  if (value instanceof Uint8Array) yield value;
  else if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) yield* byteStringsIn(inner);
  }
}
