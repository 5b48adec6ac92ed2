/**
 * A walk over the parts of a serialized ONNX model (protocol buffers, github.com/onnx/onnx onnx.proto) that decide whether
 * it may be loaded. It reads and skips; it builds nothing, so that a hostile file costs no more than its own bytes.
 */

/** What an ONNX file says of itself. */
export interface OnnxFacts {
  irVersion: number;
  producer: string;
  /** Version by operator domain; '' is ONNX's own. */
  opsets: Map<string, number>;
  hasGraph: boolean;
  /** Every operator that occurs, as domain and type. */
  operators: Map<string, { domain: string; type: string }>;
  /** Domains of functions that the file itself defines. */
  functionDomains: Set<string>;
  /** Names of tensors whose values lie in another file. */
  externalTensors: string[];
}

type Message =
  | 'model'
  | 'graph'
  | 'node'
  | 'attribute'
  | 'tensor'
  | 'sparse'
  | 'function'
  | 'opset'
  | 'training';

/** Fields that hold messages worth descending into, by message and field number. */
const CHILDREN: Readonly<Record<Message, Readonly<Record<number, Message>>>> = {
  model: { 7: 'graph', 8: 'opset', 20: 'training', 25: 'function' },
  graph: { 1: 'node', 5: 'tensor', 15: 'sparse' },
  node: { 5: 'attribute' },
  attribute: { 5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse' },
  sparse: { 1: 'tensor', 2: 'tensor' },
  function: { 7: 'node', 9: 'opset', 11: 'attribute' },
  training: { 1: 'graph', 2: 'graph' },
  tensor: {},
  opset: {},
};

const MAX_DEPTH = 64;
const EXTERNAL = 1;

/** @throws RangeError where the bytes are no well-formed message; its text says at which byte. */
export function readOnnxFacts(bytes: Buffer): OnnxFacts {
  const facts: OnnxFacts = {
    irVersion: 0,
    producer: '',
    opsets: new Map(),
    hasGraph: false,
    operators: new Map(),
    functionDomains: new Set(),
    externalTensors: [],
  };
  new Walk(bytes, facts).message('model', 0, bytes.byteLength, 0);
  return facts;
}

/** One message's own scalar fields, by number; the last one counts, as protocol buffers have it. */
interface Fields {
  readonly numbers: Map<number, number>;
  readonly texts: Map<number, { start: number; end: number }>;
}

class Walk {
  constructor(
    readonly bytes: Buffer,
    readonly facts: OnnxFacts,
  ) {}

  message(kind: Message, start: number, end: number, depth: number): void {
    if (depth > MAX_DEPTH) throw new RangeError(`messages nest deeper than ${MAX_DEPTH}`);
    const fields: Fields = { numbers: new Map(), texts: new Map() };
    let at = start;
    while (at < end) {
      const [tag, afterTag] = this.varint(at, end);
      const field = Math.floor(tag / 8);
      if (field === 0) throw new RangeError(`a field numbered 0 at byte ${at}`);
      at = this.field(kind, { field, wire: tag % 8, at: afterTag, end, depth }, fields);
    }
    this.note(kind, fields);
  }

  /** Reads one field and answers where the next one starts. */
  field(
    kind: Message,
    given: { field: number; wire: number; at: number; end: number; depth: number },
    fields: Fields,
  ): number {
    const { field, wire, at, end, depth } = given;
    if (wire === 0) {
      const [value, next] = this.varint(at, end);
      fields.numbers.set(field, value);
      return next;
    }
    if (wire !== 1 && wire !== 2 && wire !== 5) {
      throw new RangeError(`wire type ${wire} at byte ${at}`);
    }
    const [length, from] = wire === 2 ? this.varint(at, end) : [wire === 1 ? 8 : 4, at];
    const to = from + length;
    if (to > end)
      throw new RangeError(`a field at byte ${at} ends ${to - end} bytes behind the end`);
    if (wire !== 2) return to;
    fields.texts.set(field, { start: from, end: to });
    const child = CHILDREN[kind][field];
    if (child !== undefined) this.message(child, from, to, depth + 1);
    return to;
  }

  varint(start: number, end: number): [value: number, next: number] {
    let value = 0;
    let scale = 1;
    for (let at = start; at < Math.min(end, start + 10); at++) {
      const byte = this.bytes[at] ?? 0;
      value += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 128) return [value, at + 1];
    }
    throw new RangeError(`a number at byte ${start} has no end`);
  }

  note(kind: Message, fields: Fields): void {
    const { facts } = this;
    if (kind === 'model') {
      facts.irVersion = fields.numbers.get(1) ?? 0;
      facts.producer = this.text(fields, 2);
    } else if (kind === 'graph') {
      facts.hasGraph = true;
    } else if (kind === 'opset') {
      facts.opsets.set(this.text(fields, 1), fields.numbers.get(2) ?? 0);
    } else if (kind === 'function') {
      facts.functionDomains.add(this.text(fields, 10));
    } else if (kind === 'node') {
      const operator = { domain: this.text(fields, 7), type: this.text(fields, 4) };
      facts.operators.set(`${operator.domain}:${operator.type}`, operator);
    } else if (kind === 'tensor' && (fields.texts.has(13) || fields.numbers.get(14) === EXTERNAL)) {
      facts.externalTensors.push(this.text(fields, 8));
    }
  }

  text(fields: Fields, field: number): string {
    const found = fields.texts.get(field);
    return found
      ? this.bytes.toString('utf8', found.start, Math.min(found.end, found.start + 200))
      : '';
  }
}
