import type { Registry } from '../domain/ports/registry.js';
import type { Log } from './log.js';
import { repeat } from './repeat.js';
import type { ResidentModel } from './resident-model.js';

export interface ReplicaReporterOptions {
  readonly registry: Pick<Registry, 'reportReplica' | 'removeReplica'>;
  readonly replica: string;
  readonly resident: ResidentModel;
  readonly everyMs: number;
  readonly log: Log;
}

/** Tells the registry what this replica serves of one model: on every change at once, and again and again as a sign of life. */
export class ReplicaReporter {
  readonly #options: ReplicaReporterOptions;
  readonly #repeating: { stop(): Promise<void> };
  #last = '';
  #sending: Promise<void> | null = null;
  #isStopped = false;
  #isUnreachable = false;

  constructor(options: ReplicaReporterOptions) {
    this.#options = options;
    options.resident.onChange = () => void this.#reportIfChanged();
    this.#repeating = repeat(options.everyMs, () => this.report());
  }

  /** Reports now; one report at a time, so that an older one never overwrites a newer. */
  async report(): Promise<void> {
    while (this.#sending) await this.#sending;
    if (this.#isStopped) return;
    this.#sending = this.#send().finally(() => (this.#sending = null));
    await this.#sending;
  }

  /** Takes this replica off the list at once: nobody shall wait until its last report is too old. */
  async stop(): Promise<void> {
    const { registry, resident, replica, log } = this.#options;
    this.#isStopped = true;
    await this.#repeating.stop();
    while (this.#sending) await this.#sending;
    await registry.removeReplica(resident.model, replica).catch((error: unknown) => {
      log.warn({ model: resident.model, replica, err: error }, 'the replica report is not removed');
    });
  }

  async #reportIfChanged(): Promise<void> {
    if (JSON.stringify(this.#options.resident.status) !== this.#last) await this.report();
  }

  async #send(): Promise<void> {
    const { registry, resident, replica, log } = this.#options;
    const { status, model } = resident;
    this.#last = JSON.stringify(status);
    try {
      await registry.reportReplica(model, { replica, ...status });
      this.#isUnreachable = false;
    } catch (error) {
      this.#last = '';
      if (!this.#isUnreachable)
        log.warn({ model, replica, err: error }, 'the replica report is not written');
      this.#isUnreachable = true;
    }
  }
}
