import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';

const answerSchema = z.object({
  model_version: z.string(),
  outputs: z.array(
    z.object({ name: z.string(), data: z.array(z.union([z.string(), z.number()])) }),
  ),
  parameters: z.object({ digest: z.string() }),
});

/** What the endpoint answered to some texts. */
export interface EndpointAnswer {
  readonly version: string;
  readonly digest: string;
  readonly labels: readonly string[];
}

/** Asks the endpoint to classify texts, over the Open Inference Protocol; rejects where it does not answer 200. */
export async function classify(
  endpointUrl: string,
  model: string,
  texts: readonly string[],
): Promise<EndpointAnswer> {
  const response = await fetch(`${endpointUrl}/v2/models/${model}/infer`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      inputs: [{ name: 'text', datatype: 'BYTES', shape: [texts.length], data: texts }],
    }),
  });
  if (!response.ok)
    throw new Error(`the endpoint answered ${response.status}: ${await response.text()}`);
  const answer = answerSchema.parse(await response.json());
  const labels = answer.outputs.find(({ name }) => name === 'label')?.data ?? [];
  return {
    version: answer.model_version,
    digest: answer.parameters.digest,
    labels: labels.map(String),
  };
}

/** Asks again and again until a version answers; resolves to that first answer's time, in ms since the epoch. */
export async function firstAnswerOf(
  endpointUrl: string,
  given: { model: string; text: string; digest: string; deadlineMs: number },
): Promise<number> {
  const until = Date.now() + given.deadlineMs;
  while (Date.now() < until) {
    const { digest } = await classify(endpointUrl, given.model, [given.text]);
    if (digest === given.digest) return Date.now();
    await pause(2);
  }
  throw new Error(`${given.digest.slice(0, 12)} did not answer within ${given.deadlineMs} ms`);
}
