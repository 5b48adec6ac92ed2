import { z } from 'zod';
import { filePathSchema } from '../../domain/names.js';
import type { TrainerEvent } from '../../domain/ports/trainer.js';

/** A longer line is no event: it is dropped as it comes and never held in memory. */
const MAX_LINE_BYTES = 64 * 1024;
const MAX_MESSAGE_CHARACTERS = 500;
const MAX_FAILURE_CHARACTERS = 2000;
const NEWLINE = 0x0a;

const cut = (characters: number) => z.string().transform((text) => text.slice(0, characters));

const eventSchema = z.discriminatedUnion('event', [
  z.object({
    event: z.literal('progress'),
    done: z.number().min(0).max(1),
    message: cut(MAX_MESSAGE_CHARACTERS),
  }),
  z.object({
    event: z.literal('metric'),
    name: z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._-]{0,99}$/),
    value: z.number(),
  }),
  z.object({
    event: z.literal('checkpoint'),
    file: filePathSchema.regex(/^[^/]+$/, 'a file directly in the checkpoints folder'),
  }),
  z.object({
    event: z.literal('failure'),
    type: z.string().max(100),
    message: cut(MAX_FAILURE_CHARACTERS),
  }),
]);

/** The kit's last word before a script ends without a result. */
export type FailureEvent = Extract<z.output<typeof eventSchema>, { event: 'failure' }>;
type KitEvent = TrainerEvent | FailureEvent;

/** Cuts a byte stream into lines and hands on those that are events; everything else is ignored. */
export class EventLines {
  readonly #onEvent: (event: KitEvent) => void;
  #open: Buffer[] = [];
  #openBytes = 0;

  constructor(onEvent: (event: KitEvent) => void) {
    this.#onEvent = onEvent;
  }

  add(chunk: Buffer): void {
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      this.#keep(chunk.subarray(start, end < 0 ? chunk.length : end));
      if (end < 0) return;
      this.#close();
      start = end + 1;
    }
  }

  #keep(part: Buffer): void {
    this.#openBytes += part.length;
    if (this.#openBytes <= MAX_LINE_BYTES) this.#open.push(part);
    else this.#open = [];
  }

  #close(): void {
    const event = this.#openBytes <= MAX_LINE_BYTES ? parse(Buffer.concat(this.#open)) : undefined;
    this.#open = [];
    this.#openBytes = 0;
    if (event) this.#onEvent(event);
  }
}

function parse(line: Buffer): KitEvent | undefined {
  try {
    return eventSchema.safeParse(JSON.parse(line.toString('utf8'))).data;
  } catch {
    return undefined; // not JSON: somebody else's line
  }
}
