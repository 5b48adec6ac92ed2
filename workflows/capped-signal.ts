import { setHandler, type SignalDefinition } from '@temporalio/workflow';

/**
 * Reads a signal until so many have come to nothing, and then no more: the SDK spends half a millisecond on each that has a handler,
 * and a workflow task that takes longer than its two seconds, as the replay of thousands does, would be tried again for ever.
 * What comes after is kept unread.
 */
export function readSignal<Input>(
  signal: SignalDefinition<[Input]>,
  given: {
    readonly description: string;
    readonly atMost: number;
    /** True where it came to something. */
    readonly handle: (input: Input, left: number) => boolean;
  },
): void {
  const { description, atMost, handle } = given;
  let left = atMost;
  const read = (input: Input) => {
    if (handle(input, left - 1)) return;
    left -= 1;
    if (left === 0) setHandler(signal, undefined);
  };
  setHandler(signal, read, { description });
}
