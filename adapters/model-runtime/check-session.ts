import type { InferenceSession } from 'onnxruntime-node';
import { PortError } from '../../domain/failures.js';
import type { Datatype, Manifest, TensorSpec } from '../../domain/manifest.js';
import { graphInputs } from '../../domain/front-end/front-end.js';

/** Where one output of the caller's contract comes from. */
export interface PlannedOutput {
  readonly spec: TensorSpec;
  /** The graph's output; a label is the name of the largest of its numbers. */
  readonly from: string;
  readonly isLabel: boolean;
}

const TEXT_INPUT: TensorSpec = { name: 'text', datatype: 'BYTES', shape: [-1] };

/**
 * Finds every promised output in the graph, and that caller, front end and graph fit each other.
 * @throws PortError `ContractMismatch` by name.
 */
export function planOutputs(
  manifest: Pick<Manifest, 'contract' | 'frontEnd' | 'graph'>,
): PlannedOutput[] {
  const { contract, frontEnd, graph } = manifest;
  if (frontEnd === null) {
    requireSame('the contract', contract.inputs, 'the graph', graph.inputs, 'input');
  } else {
    requireSame('the contract', contract.inputs, 'the front end', [TEXT_INPUT], 'input');
    const given = graphInputs(frontEnd.kind, graph.inputs);
    requireSame('the graph', graph.inputs, 'the front end', given, 'input');
  }
  return contract.outputs.map((spec) => {
    const same = graph.outputs.find(
      ({ name, datatype }) => name === spec.name && datatype === spec.datatype,
    );
    if (same) {
      requireShape('output', spec, same.shape, 'the graph');
      return { spec, from: same.name, isLabel: false };
    }
    return planLabel(spec, graph.outputs, contract.labels);
  });
}

function planLabel(
  spec: TensorSpec,
  graphOutputs: readonly TensorSpec[],
  labels: readonly string[],
): PlannedOutput {
  const probabilities = graphOutputs.find(
    ({ name, datatype }) => name === 'probabilities' && datatype === 'FP32',
  );
  const isLabel = spec.name === 'label' && spec.datatype === 'BYTES' && spec.shape.length === 1;
  if (!isLabel || probabilities === undefined) {
    throw mismatch(
      `the contract promises the output ${shown(spec)}, which the graph does not have`,
    );
  }
  const expected = { ...probabilities, shape: [-1, labels.length] };
  requireShape('output', expected, probabilities.shape, 'the graph');
  return { spec, from: 'probabilities', isLabel: true };
}

/** Compares what onnxruntime found in the file with what the manifest says of it. */
export function checkSession(
  session: Pick<InferenceSession, 'inputMetadata' | 'outputMetadata'>,
  graph: Manifest['graph'],
  artifact: string,
): void {
  const file = `the model file "${artifact}"`;
  requireSame(file, specsOf(session.inputMetadata), 'the manifest', graph.inputs, 'input');
  requireSame(file, specsOf(session.outputMetadata), 'the manifest', graph.outputs, 'output');
}

const DATATYPES: Readonly<Record<string, Datatype>> = {
  string: 'BYTES',
  float32: 'FP32',
  int32: 'INT32',
  int64: 'INT64',
};

interface FoundTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

function specsOf(metadata: readonly InferenceSession.ValueMetadata[]): FoundTensor[] {
  return metadata.map((value) => {
    if (!value.isTensor) return { name: value.name, datatype: 'no tensor', shape: [] };
    return {
      name: value.name,
      datatype: DATATYPES[value.type] ?? value.type,
      shape: value.shape.map((dimension) => (typeof dimension === 'number' ? dimension : -1)),
    };
  });
}

/** Same names, datatypes and shapes; order does not count. */
function requireSame(
  foundIn: string,
  found: readonly FoundTensor[],
  expectedBy: string,
  expected: readonly TensorSpec[],
  role: 'input' | 'output',
): void {
  for (const { name } of found) {
    if (!expected.some((spec) => spec.name === name)) {
      throw mismatch(`${foundIn} has the ${role} "${name}", which ${expectedBy} does not name`);
    }
  }
  for (const spec of expected) {
    const match = found.find(({ name }) => name === spec.name);
    if (match === undefined) {
      throw mismatch(`${foundIn} lacks the ${role} "${spec.name}" of ${expectedBy}`);
    }
    if (match.datatype !== spec.datatype) {
      throw mismatch(
        `${role} "${spec.name}" is ${match.datatype} in ${foundIn}, expected ${spec.datatype} by ${expectedBy}`,
      );
    }
    requireShape(role, spec, match.shape, foundIn);
  }
}

/** A free dimension fits any; a graph that gives no shape ([]) is believed until its first answer. */
function requireShape(
  role: 'input' | 'output',
  expected: TensorSpec,
  found: readonly number[],
  foundIn: string,
): void {
  const fits =
    found.length === 0 ||
    (found.length === expected.shape.length &&
      found.every(
        (dimension, axis) =>
          dimension === -1 || expected.shape[axis] === -1 || dimension === expected.shape[axis],
      ));
  if (fits) return;
  throw mismatch(
    `${role} "${expected.name}" has the shape [${found.join(', ')}] in ${foundIn}, expected [${expected.shape.join(', ')}]`,
  );
}

function shown({ name, datatype, shape }: TensorSpec): string {
  return `"${name}" (${datatype} [${shape.join(', ')}])`;
}

function mismatch(message: string): PortError {
  return new PortError('ContractMismatch', message);
}
