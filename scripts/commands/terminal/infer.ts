import { z } from 'zod';
import { PortError } from '../../../domain/failures.js';

/** A person waits: an endpoint that is silent for this long is not there. */
const PATIENCE_MS = 10_000;

/** What the endpoint answered to one text. */
export interface Inference {
  readonly label: string;
  /** Of that label, 0 to 1. */
  readonly probability: number;
  readonly version: string;
  readonly digest: string;
}

const answerSchema = z.object({
  model_version: z.string(),
  parameters: z.object({ digest: z.string() }),
  outputs: z.array(
    z.object({
      name: z.string(),
      shape: z.array(z.number()),
      data: z.array(z.union([z.string(), z.number()])),
    }),
  ),
});

const refusalSchema = z.object({ error: z.string() });

/**
 * Asks an endpoint about some texts, over the Open Inference Protocol.
 * @throws PortError `InvalidRequest` where it refuses, with its own sentence; `StoreUnreachable` never: `SetUpMissing` where nobody answers.
 */
export async function infer(
  endpoint: string,
  given: {
    readonly model: string;
    readonly version: number | undefined;
    readonly texts: readonly string[];
  },
): Promise<readonly Inference[]> {
  const { model, version, texts } = given;
  const path = `${encodeURIComponent(model)}${version === undefined ? '' : `/versions/${version}`}`;
  const response = await post(endpoint, `/v2/models/${path}/infer`, {
    inputs: [{ name: 'text', datatype: 'BYTES', shape: [texts.length], data: texts }],
  });
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) {
    const refusal = refusalSchema.safeParse(body);
    const why = refusal.success ? refusal.data.error : `HTTP ${response.status}`;
    throw new PortError('InvalidRequest', `the endpoint answered: ${why}`);
  }
  const answer = answerSchema.safeParse(body);
  if (!answer.success) {
    throw new PortError(
      'InvalidRequest',
      `${endpoint} is no endpoint of Switchyard: look at the address`,
    );
  }
  const { model_version, outputs, parameters } = answer.data;
  const labels = outputs.find(({ name }) => name === 'label')?.data ?? [];
  const rows = outputs.find(({ name }) => name === 'probabilities');
  const width = rows?.shape[1] ?? 0;
  return texts.map((_, index) => {
    const row = (rows?.data ?? []).slice(index * width, (index + 1) * width).map(Number);
    return {
      label: String(labels[index] ?? ''),
      probability: Math.max(0, ...row),
      version: model_version,
      digest: parameters.digest,
    };
  });
}

async function post(endpoint: string, path: string, body: unknown): Promise<Response> {
  try {
    return await fetch(new URL(path, endpoint), {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
  } catch (cause) {
    throw new PortError(
      'SetUpMissing',
      `no endpoint answers at ${endpoint}: start one, or name another with --endpoint`,
      { cause },
    );
  }
}
