import { packData } from '../adapters/model-runtime/tensors.js';
import type { Tensor } from '../domain/ports/model-runtime.js';
import { floatsJson } from './float-text.js';
import type { InferRequest } from './infer-request.js';
import type { Turns } from './turns.js';

/** What an answer says besides its outputs. */
export interface AboutAnswer {
  readonly id: string;
  readonly model: string;
  readonly version: number;
  readonly digest: string;
  readonly generation: number;
}

/** An answer of the Open Inference Protocol v2: JSON, or JSON and bytes behind it. */
export type InferAnswer =
  | { readonly json: string; readonly bytes: null }
  | { readonly json: Buffer; readonly bytes: Buffer };

/** Values that are written at once: other requests are answered in between. */
const VALUES_AT_ONCE = 2_000;

/** Writes the outputs that the request wants, each as it wants it; many values in turns with others'. */
export async function writeAnswer(
  about: AboutAnswer,
  request: Pick<InferRequest, 'outputs' | 'binaryOutputs'>,
  outputs: readonly Tensor[],
  turns: Turns,
): Promise<InferAnswer> {
  const shown: string[] = [];
  const parts: Uint8Array[] = [];
  for (const output of outputs) {
    const isBinary = wantsBinary(request, output.name);
    if (isBinary === null) continue;
    const { name, datatype, shape } = output;
    const head = `{"name":"${name}","datatype":"${datatype}","shape":[${shape.join(',')}]`;
    if (isBinary) {
      const bytes = packData(output.data);
      parts.push(bytes);
      shown.push(`${head},"parameters":{"binary_data_size":${bytes.byteLength}}}`);
    } else {
      const isLarge = output.data.length > VALUES_AT_ONCE;
      const data = isLarge ? await largeDataJson(output, turns) : dataJson(output.data);
      shown.push(`${head},"data":[${data}]}`);
    }
  }
  const json =
    `{"model_name":"${about.model}","model_version":"${about.version}","id":${JSON.stringify(about.id)},` +
    `"parameters":{"digest":"${about.digest}","generation":${about.generation}},"outputs":[${shown.join(',')}]}`;
  if (parts.length === 0) return { json, bytes: null };
  return { json: Buffer.from(json), bytes: Buffer.concat(parts) };
}

/** Null: this output is not wanted. */
function wantsBinary(
  { outputs, binaryOutputs }: Pick<InferRequest, 'outputs' | 'binaryOutputs'>,
  name: string,
): boolean | null {
  if (outputs === null) return binaryOutputs;
  return outputs.find((wanted) => wanted.name === name)?.isBinary ?? null;
}

async function largeDataJson({ data }: Tensor, turns: Turns): Promise<string> {
  const pieces: string[] = [];
  for (let start = 0; start < data.length; start += VALUES_AT_ONCE) {
    await turns.next();
    const end = start + VALUES_AT_ONCE;
    pieces.push(
      dataJson(ArrayBuffer.isView(data) ? data.subarray(start, end) : data.slice(start, end)),
    );
  }
  return pieces.join(',');
}

/** Values as JSON, without the brackets; 64-bit integers keep every digit. */
function dataJson(data: Tensor['data']): string {
  if (data instanceof Float32Array) return floatsJson(data);
  return ArrayBuffer.isView(data) ? data.join(',') : JSON.stringify(data).slice(1, -1);
}
