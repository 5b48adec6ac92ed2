import type { Notice, Notifier } from '../../domain/ports/notifier.js';

/** Writes notices to the worker's log: what tells people until a command or a webhook is configured. */
export class LogNotifier implements Notifier {
  readonly #write: (notice: Notice) => void;

  constructor(write: (notice: Notice) => void) {
    this.#write = write;
  }

  notify(notice: Notice): Promise<void> {
    this.#write(notice);
    return Promise.resolve();
  }
}
