/** A request's body and the headers that belong to it. */
export interface InferBody {
  readonly bytes: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** Numbers as they are asked about. */
export interface Rows {
  readonly values: Float32Array;
  readonly features: number;
}

const JSON_TYPE = 'application/json';

/** Texts as JSON of the Open Inference Protocol. */
export function textBody(texts: readonly string[]): InferBody {
  const input = { name: 'text', datatype: 'BYTES', shape: [texts.length], data: texts };
  return jsonBody({ inputs: [input] });
}

/** Numbers as JSON. */
export function numberBody({ values, features }: Rows): InferBody {
  const shape = [values.length / features, features];
  return jsonBody({ inputs: [{ name: 'x', datatype: 'FP32', shape, data: [...values] }] });
}

/** Numbers by the binary tensor extension: JSON, then the tensor as it lies in memory; the answer's tensors come so too. */
export function binaryBody({ values, features }: Rows): InferBody {
  const shape = [values.length / features, features];
  const parameters = { binary_data_size: values.byteLength };
  const header = Buffer.from(
    JSON.stringify({
      inputs: [{ name: 'x', datatype: 'FP32', shape, parameters }],
      outputs: ['label', 'probabilities'].map((name) => ({
        name,
        parameters: { binary_data: true },
      })),
    }),
  );
  const tensor = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return {
    bytes: Buffer.concat([header, tensor]),
    headers: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': String(header.byteLength),
    },
  };
}

function jsonBody(body: object): InferBody {
  return { bytes: Buffer.from(JSON.stringify(body)), headers: { 'content-type': JSON_TYPE } };
}

/** Named as the customer of whoever asks. */
export function ofCustomer(customer: string, { bytes, headers }: InferBody): InferBody {
  return { bytes, headers: { ...headers, 'switchyard-customer': customer } };
}

/** Rows for the forest, made up: so many of 20 numbers. */
export function forestRows(rows: number): Rows {
  const features = 20;
  const values = Float32Array.from({ length: rows * features }, (_, index) => Math.sin(index * 3));
  return { values, features };
}
