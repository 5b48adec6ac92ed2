import { PortError } from '../../domain/failures.js';

const OUT_OF_MEMORY =
  /bad_alloc|failed to allocate memory|array buffer allocation failed|out of memory|cannot allocate memory/i;

/** True where a text, such as the last words of a dying process, tells of memory. */
export function tellsOfMemory(text: string): boolean {
  return OUT_OF_MEMORY.test(text);
}

/** How onnxruntime names an operator that it cannot run. */
const UNSUPPORTED: readonly RegExp[] = [
  /(?:^|[\s:])(?<domain>[\w.]*):(?<operator>\w+)\((?<opset>-?\d+)\) is not a registered function\/op/,
  /Could not find an implementation for (?:(?<domain>[\w.]+)[.:])?(?<operator>\w+)\((?<opset>\d+)\)/,
  /No Op registered for (?<operator>\w+) with domain_version of (?<opset>\d+)/,
  /(?<operator>Opset) (?<opset>\d+) is under development/,
];

/** The port's failure for whatever stopped a load, mostly an error of onnxruntime's `create`. */
export function loadFailure(error: unknown, artifact: string, opset: number): PortError {
  if (error instanceof PortError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (tellsOfMemory(message)) {
    return new PortError(
      'OutOfMemory',
      `the model "${artifact}" does not load within its memory limit; raise the limit or serve a smaller model`,
      { details: { artifact, message: message.slice(0, 500) }, cause: error },
    );
  }
  const unsupported = UNSUPPORTED.map((pattern) => pattern.exec(message)).find(
    (match) => match !== null,
  );
  if (unsupported) {
    const operator = unsupported.groups?.['operator'] ?? '';
    const since = Number(unsupported.groups?.['opset'] ?? -1);
    return new PortError(
      'UnsupportedOperator',
      `onnxruntime-node cannot run the operator "${operator}" of the model file "${artifact}" at opset ` +
        `${since > 0 ? since : opset}: export it with standard ONNX operators or a lower opset`,
      {
        details: {
          artifact,
          operator,
          domain: unsupported.groups?.['domain'] ?? '',
          opset: since > 0 ? since : opset,
        },
        cause: error,
      },
    );
  }
  return new PortError(
    'InvalidModelFile',
    `onnxruntime-node refuses the model file "${artifact}": ${message.slice(0, 500)}`,
    { details: { artifact }, cause: error },
  );
}
