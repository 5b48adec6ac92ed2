import { z } from 'zod';

/** The one grammar of every name that becomes part of a key, a queue or a workflow id. */
export const NAME_PATTERN = /^[a-z0-9][a-z0-9-]{0,62}$/;

/** A model's, role's, trainer's, data source's, replica's or snapshot's name. */
export const nameSchema = z
  .string()
  .regex(NAME_PATTERN, 'a name is 1 to 63 of a-z, 0-9 and "-", and starts with a letter or digit');

/** The id of a build of the workers' code, such as `2026-03-01.2` or a commit. */
export const buildIdSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/,
    'a build is 1 to 100 of letters, digits, ".", "_" and "-", and starts with a letter or digit',
  );

/** sha256, 64 lower-case hex digits. */
export const digestSchema = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'a digest is 64 lower-case hex digits (sha256)');

/** A version's number within its model, from 1. */
export const versionNumberSchema = z.int().min(1).max(1_000_000);

/** A path inside a version's directory: segments of letters, digits, ".", "_" and "-"; never ".." or absolute. */
export const filePathSchema = z
  .string()
  .max(200)
  .regex(
    /^(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9._-]*(\/[A-Za-z0-9_][A-Za-z0-9._-]*)*$/,
    'a file path is relative, of letters, digits, ".", "_", "-" and "/", without ".."',
  );

/** The first 12 hex digits: how people are shown a digest. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 12);
}

/** An instant as ISO 8601 in UTC, such as `2002-09-01T00:00:00Z`. */
export const instantSchema = z.iso.datetime();

/** A duration given by people, such as `30 minutes` or `3 days`; the unit is never left out. */
export const durationSchema = z
  .string()
  .regex(
    /^\d+(\.\d+)? ?(ms|milliseconds?|s|seconds?|m|minutes?|h|hours?|d|days?|w|weeks?)$/,
    'a duration is a number and a unit, such as "30 minutes"',
  );

/** Some work's first run id (a UUID): names its staging directory. */
export const runIdSchema = z.uuid();
