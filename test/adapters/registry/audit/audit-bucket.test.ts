import assert from 'node:assert/strict';
import { auditBucket } from '../../../../adapters/registry/audit/audit-bucket.js';
import { liveStateSchema, type LiveState } from '../../../../domain/live-state.js';
import { encodeJson, parseStored } from '../../../../adapters/registry/stored-json.js';
import { MemoryObjectStore } from '../../../../testing/memory-object-store.js';
import { aDigest } from '../../../../testing/builders.js';
import { soundBucket } from './sound-bucket.js';

const MODEL = 'tickets';
const HOUR_MS = 3_600_000;

/** @param ageMs - How long ago everything in it was written. */
async function aBucket(ageMs = 0) {
  let now = new Date();
  const store = new MemoryObjectStore(() => now);
  await soundBucket(store, MODEL);
  now = new Date(now.getTime() + ageMs);
  const keys = (await store.list('')).objects.map(({ key }) => key);
  const bytesOf = async (key: string) =>
    (await store.get(key))?.bytes ?? assert.fail(`there is no ${key}`);
  const matching = (pattern: RegExp) =>
    keys.find((key) => pattern.test(key)) ?? assert.fail(`no key fits ${pattern.source}`);
  return { store, keys, bytesOf, matching };
}

/** The problems after an object was written over, and the object as it was is put back. */
async function problemsWith(
  { store, bytesOf }: Awaited<ReturnType<typeof aBucket>>,
  key: string,
  bytes: Uint8Array | null,
) {
  const before = await store.get(key);
  if (bytes === null) await store.delete(key);
  else await store.put(key, bytes, 'none');
  const { problems } = await auditBucket(store);
  if (before === null) await store.delete(key);
  else await store.put(key, before.bytes, 'none');
  if (bytes !== null && before !== null) assert.deepEqual(await bytesOf(key), before.bytes);
  return problems;
}

describe('auditBucket', () => {
  it('finds nothing in a sound bucket, and counts what it read', async () => {
    const { store, keys } = await aBucket();
    const { problems, counts, heads, journals } = await auditBucket(store);
    assert.deepEqual(problems, []);
    const { bytes, ...numbers } = counts;
    assert.deepEqual(numbers, {
      ...{ models: 1, versions: 3, files: 6, documents: 12, snapshots: 1, others: 4 },
      stagedRuns: 1,
    });
    const objects = (await store.list('')).objects.filter(({ key }) => !key.startsWith('staging/'));
    assert.equal(objects.length, keys.length - 1);
    assert.equal(
      bytes,
      objects.reduce((sum, each) => sum + each.bytes, 0),
      'every byte, once',
    );
    const one = await auditBucket(store, { model: MODEL });
    assert.deepEqual(one, { problems: [], counts: { ...counts, stagedRuns: 0 }, heads, journals });
  });

  it('finds an edited byte in any object that a digest vouches for, wherever it is', async () => {
    const bucket = await aBucket();
    const vouched = bucket.keys.filter((key) => !/^staging|live\.json|replicas/.test(key));
    assert.equal(vouched.length, 28, vouched.join('\n'));
    for (const key of vouched) {
      const bytes = await bucket.bytesOf(key);
      for (const place of [0, Math.floor(bytes.length / 2), bytes.length - 1]) {
        const edited = bytes.slice();
        edited[place] = (edited[place] ?? 0) ^ 1;
        const problems = await problemsWith(bucket, key, edited);
        const named = problems.map((each) => each.key);
        const manifest = key.replace('claim.json', 'manifest.json'); // one of the two was changed
        const isNamed = named.includes(key) || named.includes(manifest);
        assert.ok(isNamed, `${key}, byte ${place}: ${JSON.stringify(problems)}`);
      }
      const shorter = await problemsWith(bucket, key, bytes.slice(1));
      assert.notDeepEqual(shorter, [], `${key}, cut`);
    }
  });

  it('finds that any object is gone that another one names', async () => {
    const { keys } = await aBucket();
    // what nothing names may be gone: labels, a replica, staging; and live.json, for then nothing serves
    const named = keys.filter((key) => !/labels|replicas|^staging|live\.json/.test(key));
    const loose: string[] = [];
    for (const key of named) {
      const problems = await problemsWith(await aBucket(25 * HOUR_MS), key, null);
      if (problems.length === 0) loose.push(key);
    }
    assert.deepEqual(loose, []);
    const bucket = await aBucket();
    const [gone] = await problemsWith(bucket, bucket.matching(/versions\/2\/model\.onnx/), null);
    assert.equal(gone?.kind, 'missing');
    assert.equal(gone.key, `models/${MODEL}/versions/2/model.onnx`);
  });

  it('finds a swapped manifest, and a foreign object wherever it lies', async () => {
    const bucket = await aBucket();
    const other = await bucket.bytesOf(`models/${MODEL}/versions/1/manifest.json`);
    const swapped = await problemsWith(bucket, `models/${MODEL}/versions/2/manifest.json`, other);
    assert.match(swapped[0]?.sentence ?? '', /claimed for .* changed or swapped/);
    for (const key of [
      `models/${MODEL}/versions/2/other.onnx`,
      `models/${MODEL}/versions/2/words/other.json`,
      `models/${MODEL}/versions/latest/model.onnx`,
      `models/${MODEL}/evidence/notes.txt`,
      `models/${MODEL}/evidence/notes.html`,
      `models/${MODEL}/notes.txt`,
      'datasets/mails/notes.txt',
      'staging/notes.txt',
    ]) {
      const problems = await problemsWith(bucket, key, Buffer.from('foreign'));
      assert.deepEqual(
        problems.map((each) => [each.kind, each.key]),
        [['foreign', key]],
      );
    }
  });

  it('finds a snapshot that is described otherwise than its rows are', async () => {
    const bucket = await aBucket();
    const key = bucket.matching(/snapshot\.json$/);
    const text = new TextDecoder().decode(await bucket.bytesOf(key));
    for (const edited of [text.replace('"rows":4', '"rows":5'), text.replace('"yes"', '"yet"')]) {
      assert.notEqual(edited, text);
      const [problem] = await problemsWith(bucket, key, Buffer.from(edited));
      assert.deepEqual([problem?.kind, problem?.key], ['changed', key]);
    }
  });

  it('finds a live.json that names a withdrawn, missing or unproven version, or went back', async () => {
    const bucket = await aBucket();
    const key = `models/${MODEL}/live.json`;
    const live = parseStored(key, await bucket.bytesOf(key), liveStateSchema);
    const [now, before] = live.served;
    assert.ok(now !== undefined && before !== undefined);
    const sentencesOf = async (changed: Partial<LiveState>) => {
      const problems = await problemsWith(bucket, key, encodeJson({ ...live, ...changed }));
      assert.deepEqual([...new Set(problems.map((each) => each.key))], [key]);
      return problems.map(({ sentence }) => sentence).join('\n');
    };
    const { digest } = now;
    assert.match(await sentencesOf({ withdrawn: [digest] }), /which a fallback withdrew/);
    assert.match(await sentencesOf({ live: aDigest('lost') }), /not the first of what it remem/);
    const served = (changed: Partial<typeof now>) => ({ served: [{ ...now, ...changed }, before] });
    assert.match(
      await sentencesOf(served({ version: 9 })),
      /makes no whole version \(it is live\)/,
    );
    assert.match(await sentencesOf(served({ version: 3 })), /says that version 3 is/);
    assert.match(
      await sentencesOf(served({ decisions: [] })),
      /is not approved: data-science did not approve/,
    );
    assert.match(await sentencesOf(served({ evidence: before.evidence })), /is not in the bucket/);
    const otherFile = await sentencesOf(served({ artifact: 'words/words.json' }));
    assert.match(otherFile, /no artifact[^]*its test report is about model\.onnx/);
    const previous = { served: [now, { ...before, version: 9 }] };
    assert.match(await sentencesOf(previous), /makes no whole version \(it is the previous one\)/);
    assert.match(await sentencesOf({ generation: 1 }), /the replica one saw 2: it went back/);
    const padded = Buffer.concat([await bucket.bytesOf(key), Buffer.from('\n')]);
    const [edited] = await problemsWith(bucket, key, padded);
    assert.match(edited?.sentence ?? '', /not canonical JSON/);
    const [torn] = await problemsWith(bucket, key, padded.subarray(0, 100));
    assert.deepEqual([torn?.kind, torn?.key], ['unreadable', key]);
  });

  it('finds an upload that nobody finished for a day, not one that is under way', async () => {
    let now = new Date();
    const store = new MemoryObjectStore(() => now);
    await store.put(`models/${MODEL}/versions/1/claim.json`, claim, 'none');
    await store.put(`models/${MODEL}/versions/1/model.onnx`, Buffer.from('graph'), 'none');
    assert.deepEqual((await auditBucket(store)).problems, []);
    now = new Date(now.getTime() + 25 * HOUR_MS);
    const [problem] = (await auditBucket(store)).problems;
    assert.equal(problem?.kind, 'unfinished');
    assert.equal(problem.key, `models/${MODEL}/versions/1/manifest.json`);
  });
});

const claim = encodeJson({ schemaVersion: 1, digest: aDigest('an upload') });
