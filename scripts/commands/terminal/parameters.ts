import { parametersSchema, type ParameterValue } from '../../../domain/spec.js';
import { UsageError } from './usage-error.js';

/**
 * A trainer's parameters, typed as one JSON object.
 * @throws UsageError where it is none, or holds what is no text, number or boolean.
 */
export function parseParameters(text: string): Record<string, ParameterValue> {
  const parsed = parametersSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new UsageError(
    `--parameters takes one JSON object of texts, numbers and booleans, such as '{"c": 2}', not ${text}`,
  );
}

function parseJson(text: string): unknown {
  try {
    const parsed: unknown = JSON.parse(text);
    return parsed;
  } catch {
    return undefined; // the schema then says that it is no object
  }
}
