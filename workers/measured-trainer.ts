import { isPortError } from '../domain/failures.js';
import type {
  ConvertJob,
  TrainJob,
  Trainer,
  TrainerEvent,
  TrainerResult,
} from '../domain/ports/trainer.js';
import { countIn, recordTimeIn, type Meter } from '../domain/worker-metrics.js';

/** A trainer whose runs are counted, by how they ended, and timed. */
export class MeasuredTrainer implements Trainer {
  readonly #trainer: Trainer;
  readonly #meter: Meter;

  constructor(trainer: Trainer, meter: Meter) {
    this.#trainer = trainer;
    this.#meter = meter;
  }

  identify(trainer: string) {
    return this.#trainer.identify(trainer);
  }

  async run(
    job: TrainJob | ConvertJob,
    given: { onEvent: (event: TrainerEvent) => void; signal: AbortSignal },
  ): Promise<TrainerResult> {
    const { trainer, command } = job;
    const startedMs = performance.now();
    let end = 'done';
    try {
      return await this.#trainer.run(job, given);
    } catch (error) {
      end = given.signal.aborted ? 'cancelled' : isPortError(error) ? error.type : 'Error';
      throw error;
    } finally {
      countIn(this.#meter, 'switchyard_trainer_runs', { trainer, command, end });
      recordTimeIn(this.#meter, 'switchyard_trainer', performance.now() - startedMs, {
        trainer,
        command,
      });
    }
  }
}
