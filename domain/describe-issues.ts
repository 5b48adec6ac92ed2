import {
  $ZodArray,
  $ZodCatch,
  $ZodDefault,
  $ZodNullable,
  $ZodObject,
  $ZodOptional,
  $ZodPipe,
  $ZodPrefault,
  $ZodReadonly,
  $ZodRecord,
  $ZodUnion,
  type $ZodIssue,
  type $ZodType,
} from 'zod/v4/core';
import { nearestName } from './nearest-name.js';

/** More keys than this are not listed where none is near. */
const LISTED_KEYS = 12;

type Path = readonly PropertyKey[];

/**
 * What is wrong with an input, in words: where, what, and for an unknown key the nearest one that the schema has at that very
 * place.
 */
export function describeIssues(
  schema: $ZodType,
  { issues }: { readonly issues: readonly $ZodIssue[] },
): readonly string[] {
  return issues.flatMap((issue) => describe(schema, issue, []));
}

function describe(schema: $ZodType, issue: $ZodIssue, above: Path): readonly string[] {
  const path = [...above, ...issue.path];
  const place = path.length === 0 ? 'it' : path.join('.');
  if (issue.code === 'unrecognized_keys') {
    const keys = [...new Set(keysAt(schema, path))];
    return issue.keys.map((key) => `${place} has no key "${key}"${hint(key, keys)}`);
  }
  if (issue.code === 'invalid_union') {
    const meant = meantAlternative(issue.errors);
    if (meant !== null) return meant.flatMap((inner) => describe(schema, inner, path));
  }
  return [`${place}: ${issue.message}`];
}

function hint(key: string, keys: readonly string[]): string {
  const nearest = nearestName(key, keys);
  if (nearest !== null) return `, did you mean "${nearest}"?`;
  return keys.length === 0 || keys.length > LISTED_KEYS ? '' : ` (it takes ${keys.join(', ')})`;
}

/** Of a union's alternatives the one that is nearest to the input: of its kind, and with the fewest problems; null: none. */
function meantAlternative(alternatives: readonly $ZodIssue[][]): readonly $ZodIssue[] | null {
  const ofItsKind = alternatives.filter((issues) =>
    issues.every(({ path, code }) => path.length > 0 || code === 'unrecognized_keys'),
  );
  const [meant] = ofItsKind.sort((left, right) => left.length - right.length);
  return meant ?? null;
}

/** Every key that an object at this path may have. */
function keysAt(schema: $ZodType, path: Path): readonly string[] {
  const bare = unwrapped(schema);
  if (bare instanceof $ZodPipe) {
    // either end may have refused the key
    return [bare._zod.def.in, bare._zod.def.out].flatMap((end) => keysAt(end, path));
  }
  if (bare instanceof $ZodUnion) {
    return bare._zod.def.options.flatMap((option) => keysAt(option, path));
  }
  const [step, ...rest] = path;
  if (step === undefined) {
    return bare instanceof $ZodObject ? Object.keys(bare._zod.def.shape) : [];
  }
  const inner = innerOf(bare, step);
  return inner === undefined ? [] : keysAt(inner, rest);
}

function innerOf(schema: $ZodType, step: PropertyKey): $ZodType | undefined {
  if (schema instanceof $ZodArray) return schema._zod.def.element;
  if (schema instanceof $ZodRecord) return schema._zod.def.valueType;
  if (!(schema instanceof $ZodObject)) return undefined;
  return new Map<PropertyKey, $ZodType>(Object.entries(schema._zod.def.shape)).get(step);
}

/** The schema inside defaults and the like. */
function unwrapped(schema: $ZodType): $ZodType {
  const wraps =
    schema instanceof $ZodOptional ||
    schema instanceof $ZodNullable ||
    schema instanceof $ZodDefault ||
    schema instanceof $ZodPrefault ||
    schema instanceof $ZodReadonly ||
    schema instanceof $ZodCatch;
  return wraps ? unwrapped(schema._zod.def.innerType) : schema;
}
