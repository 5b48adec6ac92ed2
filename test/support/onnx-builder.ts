/** Writes small ONNX models (protocol buffers by hand), so that tests need no Python. */

export const ELEMENT = { FLOAT: 1, INT32: 6, INT64: 7, STRING: 8, BOOL: 9 } as const;
export type Element = (typeof ELEMENT)[keyof typeof ELEMENT];

/** A graph input or output; a dimension given as text is free. */
interface ValueInfo {
  readonly name: string;
  readonly element: Element;
  readonly shape: readonly (number | string)[];
}

export interface Constant {
  readonly name: string;
  readonly element: Element;
  readonly shape: readonly number[];
  readonly values: readonly number[];
  /** Puts the values into another file, as a reference only. */
  readonly external?: string;
}

interface Node {
  readonly type: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly domain?: string;
  readonly integers?: Readonly<Record<string, number>>;
  readonly graphs?: Readonly<Record<string, Graph>>;
}

export interface Graph {
  readonly nodes: readonly Node[];
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly constants?: readonly Constant[];
}

/** The bytes of an `.onnx` file. */
export function onnxModel(
  graph: Graph,
  given: { opset?: number; irVersion?: number; domains?: readonly string[] } = {},
): Uint8Array {
  const opsets = [
    bytesField(8, integerField(2, given.opset ?? 18)),
    ...(given.domains ?? []).map((domain) =>
      bytesField(8, textField(1, domain), integerField(2, 1)),
    ),
  ];
  return Buffer.concat([
    integerField(1, given.irVersion ?? 10),
    textField(2, 'switchyard-tests'),
    bytesField(7, encodeGraph(graph)),
    ...opsets,
  ]);
}

function encodeGraph(graph: Graph): Buffer {
  return Buffer.concat([
    ...graph.nodes.map((node) => bytesField(1, encodeNode(node))),
    textField(2, 'graph'),
    ...(graph.constants ?? []).map((constant) => bytesField(5, encodeTensor(constant))),
    ...graph.inputs.map((value) => bytesField(11, encodeValue(value))),
    ...graph.outputs.map((value) => bytesField(12, encodeValue(value))),
  ]);
}

const ATTRIBUTE_INTEGER = 2;
const ATTRIBUTE_GRAPH = 5;

function encodeNode(node: Node): Buffer {
  const integers = Object.entries(node.integers ?? {}).map(([name, value]) =>
    bytesField(5, textField(1, name), integerField(3, value), integerField(20, ATTRIBUTE_INTEGER)),
  );
  const graphs = Object.entries(node.graphs ?? {}).map(([name, graph]) =>
    bytesField(
      5,
      textField(1, name),
      bytesField(6, encodeGraph(graph)),
      integerField(20, ATTRIBUTE_GRAPH),
    ),
  );
  return Buffer.concat([
    ...node.inputs.map((name) => textField(1, name)),
    ...node.outputs.map((name) => textField(2, name)),
    textField(4, node.type),
    ...integers,
    ...graphs,
    textField(7, node.domain ?? ''),
  ]);
}

function encodeTensor(constant: Constant): Buffer {
  const dims = constant.shape.map((size) => integerField(1, size));
  const about = [...dims, integerField(2, constant.element), textField(8, constant.name)];
  if (constant.external !== undefined) {
    const location = bytesField(13, textField(1, 'location'), textField(2, constant.external));
    return Buffer.concat([...about, location, integerField(14, 1)]);
  }
  return Buffer.concat([...about, bytesField(9, rawValues(constant))]);
}

function rawValues({ element, values }: Constant): Buffer {
  if (element === ELEMENT.INT64) {
    return Buffer.from(BigInt64Array.from(values.map((value) => BigInt(value))).buffer);
  }
  if (element === ELEMENT.INT32) return Buffer.from(Int32Array.from(values).buffer);
  if (element === ELEMENT.BOOL) return Buffer.from(values);
  return Buffer.from(Float32Array.from(values).buffer);
}

function encodeValue({ name, element, shape }: ValueInfo): Buffer {
  const dims = shape.map((size) =>
    bytesField(1, typeof size === 'number' ? integerField(1, size) : textField(2, size)),
  );
  const tensor = bytesField(1, integerField(1, element), bytesField(2, ...dims));
  return Buffer.concat([textField(1, name), bytesField(2, tensor)]);
}

function integerField(field: number, value: number): Buffer {
  return Buffer.concat([varint(field * 8), varint(value)]);
}

function textField(field: number, text: string): Buffer {
  return bytesField(field, Buffer.from(text));
}

function bytesField(field: number, ...parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.byteLength, 0);
  return Buffer.concat([varint(field * 8 + 2), varint(length), ...parts]);
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Buffer.from(bytes);
}
