import { z } from 'zod';
import { pageKeyOf } from '../../domain/evidence.js';
import { PortError } from '../../domain/failures.js';
import {
  digestSchema,
  filePathSchema,
  nameSchema,
  runIdSchema,
  versionNumberSchema,
} from '../../domain/names.js';
import { stagedSchema, type Staged } from '../../domain/lifecycle.js';

/**
 * The only place where keys are built. Every part is checked against its grammar here, again after the edge: a name that
 * came through a payload, a file or a listing cannot leave its directory. Each function throws `InvalidName` (terminal).
 */

const CLAIM = 'claim.json';
const MANIFEST = 'manifest.json';

const attemptSchema = z.int().min(1).max(1_000_000);
const generationSchema = z.int().min(1);
const lineSchema = z.int().min(1).max(1_000_000);
const fileNameSchema = filePathSchema.refine(
  (name) => !name.includes('/'),
  'a file name has no "/"',
);

function checked<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const shown = typeof value === 'string' ? JSON.stringify(value.slice(0, 100)) : String(value);
  const why = parsed.error.issues.map((issue) => issue.message).join('; ');
  throw new PortError('InvalidName', `${shown} is not ${what}: ${why}`, { details: { what } });
}

const modelName = (model: string) => checked(nameSchema, model, "a model's name");
const digest = (value: string) => checked(digestSchema, value, 'a digest');
const runId = (run: string) => checked(runIdSchema, run, 'a run id');
const filePath = (path: string) => checked(filePathSchema, path, 'a file path');

/** Everything that a run staged, its checkpoints included. */
export function stagingPrefix(run: string): string {
  return `staging/${runId(run)}/`;
}

/** One file of one attempt of a stage. */
export function stagingKey(place: Pick<Staged, 'run' | 'stage' | 'attempt'>, path: string): string {
  const stage = checked(stagedSchema.shape.stage, place.stage, 'a stage');
  const attempt = checked(attemptSchema, place.attempt, "an attempt's number");
  return `${stagingPrefix(place.run)}${stage}/${attempt}/${filePath(path)}`;
}

/** All checkpoints of a run. */
export function checkpointPrefix(run: string): string {
  return `${stagingPrefix(run)}checkpoints/`;
}

/** One checkpoint; it survives attempts. */
export function checkpointKey(run: string, file: string): string {
  return `${checkpointPrefix(run)}${filePath(file)}`;
}

/** All versions of a model. */
export function versionsPrefix(model: string): string {
  return `models/${modelName(model)}/versions/`;
}

function versionPrefix(model: string, version: number): string {
  return `${versionsPrefix(model)}${checked(versionNumberSchema, version, "a version's number")}/`;
}

/** Binds a version's number to one manifest digest. */
export function claimKey(model: string, version: number): string {
  return `${versionPrefix(model, version)}${CLAIM}`;
}

/** The object that makes a directory a version. */
export function manifestKey(model: string, version: number): string {
  return `${versionPrefix(model, version)}${MANIFEST}`;
}

/** One file of a version; the claim's and the manifest's own names are refused. */
export function versionFileKey(model: string, version: number, path: string): string {
  if (path === CLAIM || path === MANIFEST) {
    throw new PortError(
      'InvalidName',
      `"${path}" cannot be a version's file: the registry writes it`,
    );
  }
  return `${versionPrefix(model, version)}${filePath(path)}`;
}

/** The number and the file that a key below `versionsPrefix` names; null for what the registry did not write. */
export function parseVersionKey(
  model: string,
  key: string,
): { version: number; isManifest: boolean } | null {
  const parts = /^([1-9]\d{0,6})\/(.+)$/.exec(key.slice(versionsPrefix(model).length));
  const version = versionNumberSchema.safeParse(Number(parts?.[1]));
  return version.success ? { version: version.data, isManifest: parts?.[2] === MANIFEST } : null;
}

/** All reports and evidence of a version. */
export function evidencePrefix(model: string, manifestDigest: string): string {
  return `models/${modelName(model)}/evidence/${digest(manifestDigest)}/`;
}

/** A report or evidence, under the digest of its own bytes. */
export function evidenceKey(model: string, manifestDigest: string, documentDigest: string): string {
  return `${evidencePrefix(model, manifestDigest)}${digest(documentDigest)}.json`;
}

/** The page that people read of an evidence, under the digest of its own bytes. */
export function pageKey(model: string, manifestDigest: string, pageDigest: string): string {
  return pageKeyOf(modelName(model), digest(manifestDigest), digest(pageDigest));
}

/** The truth about what serves. */
export function liveKey(model: string): string {
  return `models/${modelName(model)}/live.json`;
}

/** The chain of all that `live.json` ever was, but what it is. */
export function auditPrefix(model: string): string {
  return `models/${modelName(model)}/audit/live/`;
}

/** What `live.json` was in one generation. */
export function auditKey(model: string, generation: number): string {
  return `${auditPrefix(model)}${checked(generationSchema, generation, 'a generation')}.json`;
}

/** The generation that a key below `auditPrefix` names; null for what the registry did not write. */
export function parseAuditKey(model: string, key: string): number | null {
  const number = /^([1-9]\d{0,14})\.json$/.exec(key.slice(auditPrefix(model).length))?.[1];
  return number === undefined ? null : Number(number);
}

/** All rows that candidates of a model must answer right. */
export function regressionsPrefix(model: string): string {
  return `models/${modelName(model)}/regressions/`;
}

/** Those that one follow-up left. */
export function regressionsKey(model: string, key: string): string {
  return `${regressionsPrefix(model)}${checked(nameSchema, key, "a follow-up's key")}.json`;
}

/** What happened in all lifecycles of a model. */
export function journalPrefix(model: string): string {
  return `models/${modelName(model)}/journal/`;
}

/** The journal of one run. */
export function journalChain(model: string, run: string): string {
  return `${journalPrefix(model)}${runId(run)}/`;
}

/** One line of a run's journal. */
export function journalKey(model: string, run: string, line: number): string {
  return `${journalChain(model, run)}${checked(lineSchema, line, "a line's number")}.json`;
}

/** The line that a key below `journalPrefix` names; null for what no run wrote. */
export function parseJournalKey(model: string, key: string): { run: string; line: number } | null {
  const [, run, line] =
    /^([0-9a-f-]{36})\/([1-9]\d{0,6})\.json$/.exec(key.slice(journalPrefix(model).length)) ?? [];
  const parsed = runIdSchema.safeParse(run);
  return parsed.success ? { run: parsed.data, line: Number(line) } : null;
}

/** All that the trust file ever was, as far as workers saw it. */
export function trustPrefix(): string {
  return 'trust/';
}

/** What the trust file was: one line of its chain. */
export function trustKey(line: number): string {
  return `${trustPrefix()}${checked(lineSchema, line, "a line's number")}.json`;
}

/** The line that a key below `trustPrefix` names; null for what no worker wrote. */
export function parseTrustKey(key: string): number | null {
  const line = /^trust\/([1-9]\d{0,6})\.json$/.exec(key)?.[1];
  return line === undefined ? null : Number(line);
}

/** All replicas of a model, dead ones included. */
export function replicasPrefix(model: string): string {
  return `models/${modelName(model)}/replicas/`;
}

/** What one replica says of itself. */
export function replicaKey(model: string, replica: string): string {
  return `${replicasPrefix(model)}${checked(nameSchema, replica, "a replica's name")}.json`;
}

/** One object of the prediction log, by the UTC hour of `at`. */
export function predictionsKey(model: string, at: Date, name: string): string {
  if (Number.isNaN(at.getTime()))
    throw new PortError('InvalidName', 'a prediction log needs a valid date');
  const [day, hour] = [at.toISOString().slice(0, 10), at.toISOString().slice(11, 13)];
  const file = checked(fileNameSchema, name, "a prediction log's name");
  return `predictions/${modelName(model)}/${day}/${hour}/${file}`;
}

/** One file of a data set's immutable snapshot. */
export function snapshotKey(
  source: string,
  snapshotDigest: string,
  file: 'rows.jsonl' | 'snapshot.json' | 'tombstone.json',
): string {
  return `datasets/${checked(nameSchema, source, "a data source's name")}/${digest(snapshotDigest)}/${file}`;
}

/** Stands where a report was, after a person's inputs were taken out of it. */
export function evidenceTombstoneKey(
  model: string,
  manifestDigest: string,
  documentDigest: string,
): string {
  return evidenceKey(model, manifestDigest, documentDigest).replace(/\.json$/, '.tombstone.json');
}

/** The records of deletions of persons. */
export function forgottenPrefix(): string {
  return 'forgotten/';
}

/** One person's record, named by a salted hash. */
export function forgottenKey(person: string): string {
  return `${forgottenPrefix()}${digest(person)}.json`;
}

/** The salt of those hashes; made once a bucket. */
export function forgottenSaltKey(): string {
  return `${forgottenPrefix()}salt.json`;
}

/** All of a model's prediction log of one UTC day. */
export function predictionsDayPrefix(model: string, at: Date): string {
  return `predictions/${modelName(model)}/${dayOf(at, 'a prediction log')}/`;
}

/** All objects of the prediction log of one UTC hour. */
export function predictionsHourPrefix(model: string, at: Date): string {
  return `${predictionsDayPrefix(model, at)}${at.toISOString().slice(11, 13)}/`;
}

/** All judged windows that begin on a UTC day. */
export function windowsPrefix(model: string, day: Date): string {
  return `models/${modelName(model)}/windows/${dayOf(day, 'a window')}/`;
}

/** A judged window, by the second at which it begins. */
export function windowKey(model: string, fromMs: number): string {
  return `${windowPlace(model, fromMs)}.json`;
}

/** How right a window's answers were, once labels came. */
export function windowAccuracyKey(model: string, fromMs: number): string {
  return `${windowPlace(model, fromMs)}-accuracy.json`;
}

/** The window that a key below `windowsPrefix` names; null for what the monitor did not write. */
export function parseWindowKey(
  model: string,
  key: string,
): { fromMs: number; isAccuracy: boolean } | null {
  const name = key.slice(`models/${modelName(model)}/windows/`.length);
  const parts = /^(\d{4}-\d\d-\d\d)\/(\d\d)(\d\d)(\d\d)(-accuracy)?\.json$/.exec(name);
  if (parts === null) return null;
  const [, day = '', hour = '', minute = '', second = '', accuracy] = parts;
  const fromMs = Date.parse(`${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(fromMs) ? null : { fromMs, isAccuracy: accuracy !== undefined };
}

/** All labels that came after the answers. */
export function labelsPrefix(model: string): string {
  return `models/${modelName(model)}/labels/`;
}

/** One object of labels, under the digest of its own bytes. */
export function labelsKey(model: string, labelsDigest: string): string {
  return `${labelsPrefix(model)}${digest(labelsDigest)}.jsonl`;
}

function windowPlace(model: string, fromMs: number): string {
  const from = new Date(fromMs);
  const time = `${windowsPrefix(model, from)}${from.toISOString().slice(11, 19).replaceAll(':', '')}`;
  if (fromMs % 1_000 === 0) return time;
  throw new PortError('InvalidName', `a window begins at a whole second, not at ${fromMs} ms`);
}

function dayOf(at: Date, what: string): string {
  if (!Number.isNaN(at.getTime())) return at.toISOString().slice(0, 10);
  throw new PortError('InvalidName', `${what} needs a valid date`);
}
