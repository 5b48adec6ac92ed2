import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { PortError } from '../../domain/failures.js';
import { readOnnxFacts } from './onnx-wire.js';
import type { OnnxFacts } from './onnx-wire.js';

/** Operator domains of onnxruntime's own build; a file may define more by functions of its own. */
const KNOWN_DOMAINS = new Set(['', 'ai.onnx', 'ai.onnx.ml', 'com.microsoft']);

/** Beginnings of files that are often taken for models. */
const IMPOSTORS: readonly (readonly [name: string, begins: RegExp])[] = [
  ['a zip archive', /^PK(\x03\x04|\x05\x06)/],
  ['a gzip file', /^\x1f\x8b/],
  ['a pickle', /^\x80[\x02-\x05]/],
  ['a Git LFS pointer, not the file it points to', /^version https:\/\/git-lfs/],
  ['a web page', /^\s*<(!doctype|html)/i],
];

/**
 * Reads a model file before onnxruntime does and says what it is.
 * @throws PortError `InvalidModelFile` (empty, text, zip, pickle, truncated, over the limit, values in other files) or
 * `UnsupportedOperator` (a domain of operators that onnxruntime does not have).
 */
export function inspectModelFile(path: string, artifact: string, maxBytes: number): OnnxFacts {
  const bytes = readWithin(path, artifact, maxBytes);
  refuseImpostors(bytes, artifact);
  const facts = factsOf(bytes, artifact);
  if (facts.irVersion === 0 || !facts.hasGraph) {
    throw invalid(artifact, 'is no ONNX model: it has no IR version or no graph');
  }
  if (facts.externalTensors.length > 0) {
    throw invalid(
      artifact,
      `keeps the values of ${facts.externalTensors.length} tensors, such as "${facts.externalTensors[0] ?? ''}", in ` +
        'another file (external data); convert it into one self-contained file',
    );
  }
  refuseUnknownOperators(facts, artifact);
  return facts;
}

function readWithin(path: string, artifact: string, maxBytes: number): Buffer {
  const file = openFile(path, artifact);
  try {
    const { size } = fstatSync(file);
    if (size === 0) throw invalid(artifact, 'is empty');
    if (size > maxBytes) {
      throw invalid(artifact, `has ${size} bytes, over the limit of ${maxBytes} bytes`);
    }
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

function openFile(path: string, artifact: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw invalid(
      artifact,
      `cannot be read: ${error instanceof Error ? error.message : ''}`,
      error,
    );
  }
}

function refuseImpostors(bytes: Buffer, artifact: string): void {
  const beginning = bytes.toString('latin1', 0, 256);
  const impostor = IMPOSTORS.find(([, begins]) => begins.test(beginning));
  if (impostor) throw invalid(artifact, `is ${impostor[0]}, not an ONNX model`);
  // an ONNX file starts with a field tag and a small number, which no text does
  if (/^[\t\n\r\x20-\x7e\x80-\xff]+$/.test(beginning)) {
    throw invalid(artifact, 'is text, not an ONNX model');
  }
}

function factsOf(bytes: Buffer, artifact: string): OnnxFacts {
  try {
    return readOnnxFacts(bytes);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw invalid(artifact, `is truncated or no ONNX model: ${error.message}`, error);
  }
}

function refuseUnknownOperators(facts: OnnxFacts, artifact: string): void {
  for (const { domain, type } of facts.operators.values()) {
    if (KNOWN_DOMAINS.has(domain) || facts.functionDomains.has(domain)) continue;
    const opset = facts.opsets.get(domain) ?? null;
    throw new PortError(
      'UnsupportedOperator',
      `the model file "${artifact}" uses the operator "${type}" of the domain "${domain}", which onnxruntime-node does ` +
        'not have; export it with standard ONNX operators',
      { details: { artifact, operator: type, domain, opset } },
    );
  }
}

function invalid(artifact: string, what: string, cause?: unknown): PortError {
  return new PortError('InvalidModelFile', `the model file "${artifact}" ${what}`, {
    details: { artifact },
    cause,
  });
}
