import assert from 'node:assert/strict';
import { PortError } from '../../domain/failures.js';
import { textModel } from '../support/small-models.js';
import { aRequest, MODEL, startRig, until, type ServingRig } from './serving-rig.js';

async function metricsOf(rig: ServingRig): Promise<string> {
  const response = await fetch(`${rig.endpoint.url}/metrics`);
  assert.match(response.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/);
  return response.text();
}

/** The sample's value; its labels are written as Prometheus orders them here. */
function valueOf(metrics: string, sample: string): number {
  const line = metrics.split('\n').find((each) => each.startsWith(`${sample} `));
  assert.ok(line, `there is no ${sample}`);
  return Number(line.slice(sample.length + 1));
}

describe("the endpoint's metrics", () => {
  it('count requests by version and status, rows, and the lines of the prediction log', async () => {
    await using rig = await startRig((registry) => registry.promote(registry.publish(textModel())));
    await rig.call(`/v2/models/${MODEL}/infer`, aRequest('refund', 'parcel'));
    await rig.ask('refund');
    await rig.call(`/v2/models/${MODEL}/infer`, { inputs: [] });
    await rig.call('/v2/models/somebody-elses-word/infer', aRequest('refund'));
    const metrics = await metricsOf(rig);
    const count = (status: number, model: string, version: string) =>
      valueOf(
        metrics,
        `switchyard_requests_total{model="${model}",version="${version}",status="${status}"}`,
      );
    assert.equal(count(200, MODEL, '1'), 2);
    assert.equal(count(400, MODEL, '1'), 1);
    assert.equal(count(404, 'none', 'none'), 1);
    assert.ok(!metrics.includes('somebody-elses-word'));
    assert.equal(
      valueOf(metrics, `switchyard_request_seconds_count{model="${MODEL}",version="1"}`),
      3,
    );
    assert.equal(valueOf(metrics, `switchyard_rows_total{model="${MODEL}"}`), 3);
    assert.equal(valueOf(metrics, 'switchyard_requests_in_flight'), 0);
    assert.equal(valueOf(metrics, `switchyard_resident_versions{model="${MODEL}"}`), 1);
    assert.equal(valueOf(metrics, `switchyard_generation{model="${MODEL}"}`), 1);
    assert.equal(valueOf(metrics, `switchyard_ready{model="${MODEL}"}`), 1);
    assert.ok(valueOf(metrics, 'process_resident_memory_bytes') > 1_000_000);
    const written = `switchyard_prediction_lines_total{model="${MODEL}",fate="written"}`;
    await until(async () => valueOf(await metricsOf(rig), written) === 3);
  });

  it('count what a model without a version refuses by that model', async () => {
    await using rig = await startRig(() => undefined);
    await rig.ask('refund');
    const sample = `switchyard_requests_total{model="${MODEL}",version="none",status="503"}`;
    assert.equal(valueOf(await metricsOf(rig), sample), 1);
  });

  it('show a store that is away, and a process that ended', async () => {
    await using rig = await startRig((registry) => registry.promote(registry.publish(textModel())));
    rig.registry.down = new PortError('StoreUnreachable', 'the store is away');
    await rig.ask('refund');
    const failures = `switchyard_live_poll_failures_total{model="${MODEL}"}`;
    await until(async () => valueOf(await metricsOf(rig), failures) > 3);
    const metrics = await metricsOf(rig);
    assert.ok(valueOf(metrics, `switchyard_live_poll_age_seconds{model="${MODEL}"}`) > 0.01);
    assert.equal(valueOf(metrics, `switchyard_prediction_lines_waiting{model="${MODEL}"}`), 1);

    const [child] = rig.runtime.opened;
    assert.ok(child);
    process.kill(child.pid, 'SIGKILL');
    const ends = `switchyard_model_process_ends_total{model="${MODEL}"}`;
    await until(async () => valueOf(await metricsOf(rig), ends) === 1);
    await until(async () => (await rig.ask('refund')).status === 200);
  });
});
