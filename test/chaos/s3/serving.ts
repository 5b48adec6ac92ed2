import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { S3ObjectStore } from '../../../adapters/object-store/s3-object-store.js';
import { ownProgram } from '../../../adapters/package/package-root.js';
import { ObjectRegistry } from '../../../adapters/registry/object-registry.js';
import { shortDigest } from '../../../domain/names.js';
import type { RegisteredVersion } from '../../../domain/ports/registry.js';
import type { Random } from '../../../domain/random.js';
import { classify } from '../../../scripts/demo/endpoint-client.js';
import {
  startServerProcess,
  untilReady,
  type ServerProcess,
} from '../../../scripts/servers/child-process.js';
import { freePort } from '../../../scripts/servers/free-ports.js';
import type { TestServers } from '../../../testing/servers.js';
import { until } from '../../../testing/until.js';
import { temporaryFolder } from '../../adapters/model-runtime/temporary-folder.js';
import { manifestOf } from '../../serving/memory-registry.js';
import { LABELS, textModel, WORDS, writeModel } from '../../support/small-models.js';
import type { TcpProxy } from '../tcp-proxy.js';
import { FAULTS } from './cells.js';
import { promotionOf } from './operations.js';

const FAULT_MS = 700;
const ASK_EVERY_MS = 10;
/** After a fault is gone the endpoint has this long to serve what is live. */
const PATIENCE_MS = 20_000;

/** What was seen of an endpoint whose store was spoiled. */
export interface ServingEnd {
  /** Questions that were answered, by how many versions. */
  readonly answers: number;
  readonly versions: number;
  /** The longest time from the end of a fault to the first answer of the version that was promoted under it. */
  readonly slowestMs: number;
  readonly violations: readonly string[];
}

/**
 * A real endpoint reads through the proxy and is asked all the time, while under each fault another version is promoted: every
 * question is answered, always by a whole version, and the new one answers once the fault is gone.
 */
export async function attackServing(given: {
  readonly s3: TestServers['s3'];
  readonly proxy: TcpProxy;
  readonly random: Random;
  readonly faults: readonly string[];
  readonly say: (line: string) => void;
}): Promise<ServingEnd> {
  const { s3, proxy, random, say } = given;
  await using folder = await temporaryFolder();
  const line = openLine(s3, folder.path);
  let promoted = await line.promoteNext();
  await using endpoint = await startEndpoint({ ...s3, endpoint: proxy.url }, line.model);
  const questions = ask(line, endpoint.url);
  const violations: string[] = [];
  let slowestMs = 0;
  try {
    for (const name of given.faults) {
      const fault = FAULTS[name]?.(random);
      if (fault === undefined) throw new Error(`no fault "${name}"`);
      if (fault === 'refuse') await proxy.refuse();
      else await proxy.spoil(fault);
      promoted = await line.promoteNext();
      await pause(FAULT_MS);
      await proxy.pass();
      const beganMs = performance.now();
      const { digest } = promoted;
      const isServed = () => Promise.resolve(questions.last() === digest || undefined);
      await until(`the endpoint serves ${shortDigest(digest)}`, isServed, PATIENCE_MS).catch(() =>
        violations.push(`after ${name} the endpoint did not serve what is live`),
      );
      slowestMs = Math.max(slowestMs, performance.now() - beganMs);
      say(`an endpoint under "${name}": goes on, then serves version ${promoted.version}`);
    }
  } finally {
    await questions.stop();
  }
  const { answers, versions } = questions;
  return {
    ...{ answers: answers(), versions: versions(), slowestMs },
    violations: [...violations, ...questions.violations],
  };
}

interface Line {
  readonly model: string;
  /** What each version says to "refund", by digest. */
  readonly labels: ReadonlyMap<string, string>;
  /** Makes another version live, past the proxy. */
  promoteNext(): Promise<RegisteredVersion>;
}

function openLine(s3: TestServers['s3'], folder: string): Line {
  const store = new S3ObjectStore({ ...s3, credentials: s3 });
  const registry = new ObjectRegistry(store);
  const model = `served-${randomUUID()}`;
  const labels = new Map<string, string>();
  let baseline: string | null = null;
  return {
    ...{ model, labels },
    promoteNext: async () => {
      const turn = labels.size;
      const small = textModel({
        turn: turn % LABELS.length,
        vocabulary: [...WORDS, `version${turn}`],
      });
      const directory = join(folder, String(turn));
      await writeModel(small, directory);
      const version = await registry.publish(manifestOf(model, small, turn), directory);
      labels.set(version.digest, LABELS[turn % LABELS.length] ?? '');
      await registry.changeLive(model, promotionOf(version, baseline), `promotion-${turn}`);
      baseline = version.digest;
      return version;
    },
  };
}

/** Asks the endpoint again and again; every answer must be a known version's own. */
function ask({ model, labels }: Line, url: string) {
  const stopped = new AbortController();
  const violations = new Set<string>();
  const seen = new Set<string>();
  let [answers, last] = [0, ''];
  const asking = (async () => {
    while (!stopped.signal.aborted) {
      try {
        const answer = await classify(url, model, ['refund']);
        const [label] = answer.labels;
        const expected = labels.get(answer.digest);
        if (label !== expected || expected === undefined) {
          violations.add(
            `${shortDigest(answer.digest)} answered ${label ?? 'nothing'}, not ${expected ?? 'at all, as it should'}`,
          );
        }
        answers += 1;
        last = answer.digest;
        seen.add(last);
      } catch (error) {
        violations.add(`a question was not answered: ${String(error)}`);
      }
      await pause(ASK_EVERY_MS);
    }
  })();
  return {
    violations,
    last: () => last,
    answers: () => answers,
    versions: () => seen.size,
    stop: async () => {
      stopped.abort();
      await asking;
    },
  };
}

async function startEndpoint(
  s3: TestServers['s3'],
  model: string,
): Promise<ServerProcess & { readonly url: string }> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const endpoint = await startServerProcess({
    ...{ name: 'the endpoint', ...ownProgram('serving/main'), stopMs: 3_000 },
    env: {
      S3_ENDPOINT: s3.endpoint,
      AWS_REGION: s3.region,
      AWS_ACCESS_KEY_ID: s3.accessKeyId,
      AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
      SWITCHYARD_BUCKET: s3.bucket,
      SWITCHYARD_MODELS: model,
      SWITCHYARD_REPLICA: 'endpoint-1',
      SWITCHYARD_ENDPOINT_PORT: String(port),
    },
  });
  await untilReady('the endpoint', endpoint, async () =>
    (await fetch(`${url}/v2/health/ready`)).ok ? 'ready' : 'not-yet',
  );
  return { ...endpoint, url };
}
