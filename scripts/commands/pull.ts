import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { encodeManifest } from '../../domain/manifest.js';
import { PortError } from '../../domain/failures.js';
import { shortDigest } from '../../domain/names.js';
import { liveWorkflowId } from '../../workflows/messages.js';
import { findVersion, openBucket } from './terminal/bucket.js';
import { defineCommand } from './terminal/define-command.js';
import { findPlace, pageOf } from './terminal/place.js';
import { UsageError } from './terminal/usage-error.js';
import { size, typed } from './terminal/words.js';

/** `switchyard pull <model> <n> --out DIR`: a version's files, each verified by its digest. */
export const runPull = defineCommand({
  name: 'pull',
  takes: '<model> <n>',
  summary: 'downloads a version’s files and its manifest, each verified by its digest',
  options: {
    out: { type: 'string', value: 'FOLDER', about: 'a new or empty folder; required' },
  },
  run: async ({ values, words: [model = '', word = ''], terminal }) => {
    if (values.out === undefined) {
      throw new UsageError(`pull needs --out: ${typed('pull', model, word, '--out', 'FOLDER')}`);
    }
    const place = await findPlace();
    const bucket = openBucket(place);
    const reading = findVersion(bucket, place, model, word);
    const found = await terminal.during(`reading ${bucket.name}`, reading);
    const folder = await emptyFolder(values.out);
    const { manifest, digest, version } = found;
    const bytes = manifest.files.reduce((sum, file) => sum + file.bytes, 0);
    const fetching = bucket.registry.fetchVersion(found, folder);
    await terminal.during(`downloading ${size(bytes)}`, fetching);
    await writeFile(join(folder, 'manifest.json'), encodeManifest(manifest).bytes);
    const files = [...manifest.files.map(({ path }) => path), 'manifest.json'];
    return {
      lines: [
        `${model} version ${version} (${shortDigest(digest)}) is in ${folder}: ${files.length} files, verified`,
        ...files.map((file) => `  ${file}`),
      ],
      facts: { model, version, digest, folder, files, bytes },
      webUi: pageOf(place, liveWorkflowId(model)),
      next: [typed('show', model, String(version))],
    };
  },
});

async function emptyFolder(named: string): Promise<string> {
  const folder = resolve(named);
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length === 0) return folder;
  throw new PortError('InvalidRequest', `${folder} is not empty: name a new or empty folder`);
}
