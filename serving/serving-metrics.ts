import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { LoadedVersion } from './loaded-version.js';
import type { OfferedModels } from './offered-models.js';

/** From a tenth of a millisecond to ten seconds. */
const LATENCY_SECONDS = [
  ...[0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05],
  ...[0.1, 0.25, 0.5, 1, 2.5, 5, 10],
];

/** Who answered: the version of a model that is offered here, the model where it has none for the request, or nobody. */
type Answerer = {
  readonly resident: { readonly model: string };
  readonly version?: LoadedVersion;
} | null;

interface Series {
  readonly requests: { inc(): void };
  readonly latency: { observe(seconds: number): void };
}

/**
 * What the endpoint counts, in Prometheus' words, in a registry of its own. Labels are the models and versions that were
 * open here and HTTP statuses: nothing that a caller sends.
 */
export class ServingMetrics {
  /** Requests at work or waiting. */
  inFlight = 0;
  readonly #registry = new Registry();
  readonly #requests = this.#counter('switchyard_requests_total', 'requests by HTTP status', [
    ...['model', 'version', 'status'],
  ]);
  readonly #latency = new Histogram({
    name: 'switchyard_request_seconds',
    help: 'time from the parsed body to the answer, queue included',
    labelNames: ['model', 'version'],
    buckets: LATENCY_SECONDS,
    registers: [this.#registry],
  });

  readonly #series = new WeakMap<LoadedVersion, Map<number, Series>>();

  constructor(models: OfferedModels) {
    collectDefaultMetrics({ register: this.#registry });
    this.#gauge('switchyard_requests_in_flight', 'requests at work or waiting', [], (gauge) =>
      gauge.set(this.inFlight),
    );
    this.#addPointer(models);
    this.#addPredictionLog(models);
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** @param elapsedMs - Null: it was refused at the door, which says nothing about how long answers take. */
  answered(by: Answerer, status: number, elapsedMs: number | null): void {
    const model = by?.resident.model ?? 'none';
    const series = by?.version
      ? this.#seriesOf(model, by.version, status)
      : this.#labelled(model, 'none', status);
    series.requests.inc();
    if (elapsedMs !== null) series.latency.observe(elapsedMs / 1_000);
  }

  /** Found by its version: making a key of labels anew for each request costs more than counting it. */
  #seriesOf(model: string, version: LoadedVersion, status: number): Series {
    const byStatus = this.#series.get(version) ?? new Map<number, Series>();
    if (byStatus.size === 0) this.#series.set(version, byStatus);
    let series = byStatus.get(status);
    if (series === undefined) {
      series = this.#labelled(model, String(version.version), status);
      byStatus.set(status, series);
    }
    return series;
  }

  #labelled(model: string, version: string, status: number): Series {
    return {
      requests: this.#requests.labels({ model, version, status }),
      latency: this.#latency.labels({ model, version }),
    };
  }

  #addPointer(models: OfferedModels): void {
    const gauge = (name: string, help: string, valueOf: (model: Residents) => number) =>
      this.#gauge(name, help, ['model'], (each) => {
        for (const [model, { resident }] of models) each.set({ model }, valueOf(resident));
      });
    gauge('switchyard_ready', '1 where a version is open and answers', ({ current }) =>
      current?.isOpen === true ? 1 : 0,
    );
    gauge(
      'switchyard_resident_versions',
      'versions that are open',
      ({ versions }) => versions.length,
    );
    gauge(
      'switchyard_generation',
      'generation of live.json that is served',
      ({ status }) => status.generation,
    );
    gauge('switchyard_approved', '0 where what serves is not approved any more', (resident) =>
      resident.isApproved ? 1 : 0,
    );
    gauge(
      'switchyard_live_poll_age_seconds',
      'time since live.json was last read',
      ({ reading }) => reading.ageMs / 1_000,
    );
    this.#cumulative(
      'switchyard_live_poll_failures_total',
      'times that live.json could not be read',
      ['model'],
      (counter) => {
        for (const [model, { resident }] of models)
          counter.inc({ model }, resident.reading.failures);
      },
    );
    this.#cumulative(
      'switchyard_model_process_ends_total',
      'processes of versions that ended by themselves, each replaced by another',
      ['model'],
      (counter) => {
        for (const [model, { resident }] of models) counter.inc({ model }, resident.processEnds);
      },
    );
  }

  #addPredictionLog(models: OfferedModels): void {
    this.#cumulative(
      'switchyard_rows_total',
      'rows that were answered or failed, as the prediction log was told of them',
      ['model'],
      (counter) => {
        for (const [model, { predictions }] of models)
          counter.inc({ model }, predictions.lines.added);
      },
    );
    this.#cumulative(
      'switchyard_prediction_lines_total',
      'lines of the prediction log, written or dropped',
      ['model', 'fate'],
      (counter) => {
        for (const [model, { predictions }] of models) {
          const { written, dropped } = predictions.lines;
          counter.inc({ model, fate: 'written' }, written);
          counter.inc({ model, fate: 'dropped' }, dropped);
        }
      },
    );
    this.#gauge(
      'switchyard_prediction_lines_waiting',
      'lines of the prediction log that are not written yet',
      ['model'],
      (gauge) => {
        for (const [model, { predictions }] of models) {
          gauge.set({ model }, predictions.lines.waiting);
        }
      },
    );
  }

  #counter<Label extends string>(name: string, help: string, labelNames: readonly Label[]) {
    return new Counter({ name, help, labelNames, registers: [this.#registry] });
  }

  /** A counter whose numbers are kept elsewhere. */
  #cumulative<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    read: (counter: Counter<Label>) => void,
  ): void {
    new Counter({
      ...{ name, help, labelNames },
      registers: [this.#registry],
      collect() {
        this.reset();
        read(this);
      },
    });
  }

  #gauge<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
    read: (gauge: Gauge<Label>) => void,
  ): void {
    new Gauge({
      ...{ name, help, labelNames },
      registers: [this.#registry],
      collect() {
        read(this);
      },
    });
  }
}

type Residents =
  OfferedModels extends ReadonlyMap<string, { readonly resident: infer Resident }>
    ? Resident
    : never;
