import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { readdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ObjectRegistry } from '../../adapters/registry/object-registry.js';
import { encodeManifest } from '../../domain/manifest.js';
import type { ParityReport } from '../../domain/evidence.js';
import type { PlotData } from '../../domain/report/plot-data.js';
import { digestOfBytes, digestOfJson } from '../../domain/digest.js';
import type { LiveWritten } from '../../domain/live-state.js';
import type { ObjectStore } from '../../domain/ports/object-store.js';
import {
  aDigest,
  aFolder,
  aManifest,
  anEvidence,
  aPromotion,
  aTestReport,
  failure,
  uniqueModel,
} from '../adapters/registry/builders.js';
import { unreachable, WatchedStore, type Watch } from '../adapters/registry/watched-store.js';

const FILES = { 'model.onnx': 'the graph', 'front-end/words.json': '["a","b"]' };

const utf8 = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array | undefined) => new TextDecoder().decode(bytes);
const kindsOf = (results: readonly { kind: string }[]) => results.map(({ kind }) => kind).sort();

const withoutPicture = ({ kind, generation, live }: LiveWritten) => ({ kind, generation, live });

/** What every registry does, whatever store it keeps its directories in. */
export function registrySuite(name: string, openStore: () => Promise<ObjectStore>): void {
  describe(name, () => {
    let store: ObjectStore;
    let registry: ObjectRegistry;
    let model: string;

    beforeEach(async () => {
      store = await openStore();
      registry = new ObjectRegistry(store);
      model = uniqueModel();
    });

    const watched = (watch: Watch) => new ObjectRegistry(new WatchedStore(store, watch));
    const keysOf = async (prefix: string) =>
      (await store.list(prefix)).objects.map(({ key }) => key.slice(prefix.length));
    const publishWords = async (word: string, into = registry) => {
      await using folder = await aFolder({ 'model.onnx': word });
      return await into.publish(aManifest(model, { 'model.onnx': word }), folder.path);
    };

    describe('publish', () => {
      it('makes numbered versions that read back as they were published', async () => {
        await using folder = await aFolder(FILES);
        const manifest = aManifest(model, FILES);

        const first = await registry.publish(manifest, folder.path);
        const second = await publishWords('another graph');

        assert.equal(first.version, 1);
        assert.equal(first.digest, encodeManifest(manifest).digest);
        assert.equal(second.version, 2);
        assert.deepEqual(await registry.version(model, 1), first);
        assert.deepEqual(await registry.versionByDigest(model, second.digest), second);
        assert.deepEqual(await registry.versions(model), [first, second]);
        assert.deepEqual(await keysOf(`models/${model}/versions/1/`), [
          ...['claim.json', 'front-end/words.json', 'manifest.json', 'model.onnx'],
        ]);
      });

      it('gives the same manifest the same number, also when others came after it', async () => {
        const first = await publishWords('one');
        await publishWords('two');

        assert.deepEqual(await publishWords('one'), first);
        assert.deepEqual(await publishWords('one', new ObjectRegistry(store)), first);
        assert.equal((await registry.versions(model)).length, 2);
      });

      it('gives 20 writers of 20 manifests 20 numbers without gaps', async () => {
        const published = await Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            publishWords(`graph ${index}`, new ObjectRegistry(store)),
          ),
        );

        const numbers = published.map(({ version }) => version).sort((one, two) => one - two);
        assert.deepEqual(
          numbers,
          Array.from({ length: 20 }, (_, index) => index + 1),
        );
        assert.equal((await registry.versions(model)).length, 20);
      });

      it('gives 20 writers of one manifest one number', async () => {
        await publishWords('the one before');

        const published = await Promise.all(
          Array.from({ length: 20 }, () => publishWords('the same', new ObjectRegistry(store))),
        );

        assert.deepEqual(new Set(published.map(({ version }) => version)), new Set([2]));
        assert.equal((await registry.versions(model)).length, 2);
      });

      it('shows no version before its last write, and finishes it under the same number', async () => {
        await using folder = await aFolder(FILES);
        const manifest = aManifest(model, FILES);
        for (let allowed = 0; ; allowed += 1) {
          let writes = 0;
          const crash = (call: string) => {
            if (!call.startsWith('put')) return;
            writes += 1;
            if (writes > allowed) throw unreachable();
          };
          try {
            await watched({ before: crash }).publish(manifest, folder.path);
            assert.equal(allowed, 3);
            break;
          } catch (error) {
            assert.ok(failure('StoreUnreachable')(error), String(error));
          }
          assert.deepEqual(await registry.versions(model), []);
          assert.equal(await registry.version(model, 1), null);
          assert.equal(
            await registry.versionByDigest(model, encodeManifest(manifest).digest),
            null,
          );
          // Somebody else passes the unfinished number by.
          if (allowed === 2) assert.equal((await publishWords('another')).version, 2);
          if (allowed === 2) await store.delete(`models/${model}/versions/2/manifest.json`);
        }
        assert.equal((await registry.publish(manifest, folder.path)).version, 1);
      });

      it('finishes after any reply that was lost', async () => {
        await using folder = await aFolder(FILES);
        const manifest = aManifest(model, FILES);
        for (let lost = 1; lost <= 4; lost += 1) {
          let writes = 0;
          const lose = (call: string) => {
            if (call.startsWith('put')) writes += 1;
            if (call.startsWith('put') && writes === lost) throw unreachable();
          };
          await watched({ after: lose })
            .publish(manifest, folder.path)
            .catch(() => null);
        }
        assert.equal((await registry.publish(manifest, folder.path)).version, 1);
        assert.equal((await registry.versions(model)).length, 1);
      });

      it('refuses local files that are not those of the manifest, before it writes anything', async () => {
        await using folder = await aFolder({ 'model.onnx': 'other bytes' });

        await assert.rejects(
          registry.publish(aManifest(model, { 'model.onnx': 'the graph' }), folder.path),
          failure('DigestMismatch', /the local file "model\.onnx"/),
        );
        assert.deepEqual(await keysOf(`models/${model}/`), []);
      });

      it('refuses a file that is missing, and one that is a link out of the folder', async () => {
        await using outside = await aFolder({ secret: 'the graph' });
        await using folder = await aFolder();
        const manifest = aManifest(model, { 'model.onnx': 'the graph' });

        await assert.rejects(registry.publish(manifest, folder.path), failure('BadTrainerOutput'));
        await symlink(join(outside.path, 'secret'), join(folder.path, 'model.onnx'));
        await assert.rejects(registry.publish(manifest, folder.path), failure('BadTrainerOutput'));
      });

      it('refuses a manifest whose artifact is not among its files', async () => {
        await using folder = await aFolder(FILES);
        const manifest = aManifest(model, FILES, { artifacts: ['other.onnx'] });

        await assert.rejects(
          registry.publish(manifest, folder.path),
          failure('InvalidModelFile', /other\.onnx is not among its files/),
        );
      });

      it('refuses a manifest that lists a file of the registry’s own name', async () => {
        await using folder = await aFolder({ 'claim.json': '{}' });

        await assert.rejects(
          registry.publish(aManifest(model, { 'claim.json': '{}' }), folder.path),
          failure('InvalidName', /claim\.json/),
        );
        assert.equal(await registry.version(model, 1), null);
      });
    });

    describe('version', () => {
      it('is null where there is none', async () => {
        assert.equal(await registry.version(model, 1), null);
        assert.equal(await registry.versionByDigest(model, aDigest('nothing')), null);
        assert.deepEqual(await registry.versions(model), []);
      });

      it('refuses a manifest that was changed after it was claimed', async () => {
        const { manifest } = await publishWords('one');
        const forged = encodeManifest({ ...manifest, metrics: { accuracy: 1 } });
        await store.put(`models/${model}/versions/1/manifest.json`, forged.bytes, 'none');

        await assert.rejects(
          registry.version(model, 1),
          failure('DigestMismatch', new RegExp(`models/${model}/versions/1/manifest\\.json`)),
        );
        await assert.rejects(registry.versions(model), failure('DigestMismatch'));
      });

      it('refuses another model’s manifest', async () => {
        await publishWords('one');
        const other = uniqueModel();
        for (const file of ['claim.json', 'manifest.json']) {
          await store.copy(
            `models/${model}/versions/1/${file}`,
            `models/${other}/versions/1/${file}`,
          );
        }

        await assert.rejects(
          registry.version(other, 1),
          failure('DigestMismatch', new RegExp(`manifest of model "${model}"`)),
        );
      });

      it('refuses a claim that is no claim, and names it', async () => {
        await publishWords('one');
        await store.put(`models/${model}/versions/1/claim.json`, utf8('{"digest":1}'), 'none');

        await assert.rejects(
          new ObjectRegistry(store).version(model, 1),
          failure('StoreRefused', new RegExp(`models/${model}/versions/1/claim\\.json`)),
        );
      });

      it('is found by digest though a newer one’s claim is broken', async () => {
        const first = await publishWords('one');
        await publishWords('two');
        await store.put(`models/${model}/versions/2/claim.json`, utf8('{'), 'none');

        assert.deepEqual(
          await new ObjectRegistry(store).versionByDigest(model, first.digest),
          first,
        );
        await assert.rejects(
          publishWords('three', new ObjectRegistry(store)),
          failure('StoreRefused', /versions\/2\/claim\.json/),
        );
      });

      it('is found by digest from the newest, at a cost that does not grow with the older ones', async () => {
        const writer = new ObjectRegistry(store);
        for (let index = 0; index < 20; index += 1) await publishWords(`graph ${index}`, writer);
        const last = await publishWords('last', writer);
        const counted = new WatchedStore(store);

        assert.equal(
          (await new ObjectRegistry(counted).versionByDigest(model, last.digest))?.version,
          21,
        );
        assert.ok(counted.calls.length <= 1 + 16 + 1, `${counted.calls.length} calls`);
      });

      it('passes by what the registry did not write', async () => {
        await publishWords('one');
        await store.put(`models/${model}/versions/notes.txt`, utf8('x'), 'none');
        await store.put(`models/${model}/versions/0/manifest.json`, utf8('x'), 'none');
        await store.put(`models/${model}/versions/9999999/manifest.json`, utf8('x'), 'none');

        assert.equal((await registry.versions(model)).length, 1);
      });
    });

    describe('fetchVersion', () => {
      it('brings every file, folders included', async () => {
        await using source = await aFolder(FILES);
        await using target = await aFolder();
        const version = await registry.publish(aManifest(model, FILES), source.path);

        await registry.fetchVersion(version, target.path);

        for (const [path, content] of Object.entries(FILES)) {
          assert.equal(await readFile(join(target.path, path), 'utf8'), content);
        }
      });

      it('refuses a file whose bytes were changed, and leaves it out of the folder', async () => {
        await using target = await aFolder();
        const version = await publishWords('one');
        await store.put(`models/${model}/versions/1/model.onnx`, utf8('two'), 'none');

        await assert.rejects(
          registry.fetchVersion(version, target.path),
          failure('DigestMismatch', /versions\/1\/model\.onnx/),
        );
        assert.deepEqual(await readdir(target.path), []);
      });

      it('refuses a missing file', async () => {
        await using target = await aFolder();
        const version = await publishWords('one');
        await store.delete(`models/${model}/versions/1/model.onnx`);

        await assert.rejects(
          registry.fetchVersion(version, target.path),
          failure('StoreRefused', /versions\/1\/model\.onnx is not in the store/),
        );
      });

      it('refuses a manifest that is not the one of the digest', async () => {
        await using target = await aFolder();
        const version = await publishWords('one');

        await assert.rejects(
          registry.fetchVersion({ ...version, digest: aDigest('else') }, target.path),
          failure('DigestMismatch'),
        );
      });
    });

    describe('evidence', () => {
      it('is stored under its own digest, twice the same', async () => {
        const version = aDigest('version');
        const evidence = anEvidence(model, version);

        const digest = await registry.putEvidence(model, version, evidence);

        assert.equal(digest, digestOfJson(evidence));
        assert.equal(await registry.putEvidence(model, version, evidence), digest);
        assert.deepEqual(await registry.evidence(model, version, digest), evidence);
        assert.equal(await registry.evidence(model, version, aDigest('other')), null);
      });

      it('keeps test reports and parity reports beside it', async () => {
        const version = aDigest('version');
        const report = aTestReport(model, version);
        const parity: ParityReport = {
          schemaVersion: 1,
          ...{ model, rows: 3, labelFlips: 0, maxProbabilityDifference: 0 },
          ...{ limit: 1e-5, passed: true, inputs: [] },
        };

        const digest = await registry.putEvidence(model, version, report);
        const other = await registry.putEvidence(model, version, parity);

        assert.deepEqual(await registry.testReport(model, version, digest), report);
        assert.deepEqual(await registry.parityReport(model, version, other), parity);
        await assert.rejects(
          registry.evidence(model, version, digest),
          failure('StoreRefused', new RegExp(digest)),
        );
        assert.equal((await keysOf(`models/${model}/evidence/${version}/`)).length, 2);
      });

      it('keeps pages and what their plots are drawn of beside it, each once', async () => {
        const version = aDigest('version');
        const plots: PlotData = {
          ...{ schemaVersion: 1, model, manifest: version, quality: null },
          system: { latency: null, memory: [{ rows: 1, longestBytes: 2, peakRssBytes: 3 }] },
        };
        const digest = await registry.putEvidence(model, version, plots);
        assert.deepEqual(await registry.plots(model, version, digest), plots);

        const page = await registry.putPage(model, version, '<p>Größe</p>');
        assert.equal(await registry.putPage(model, version, '<p>Größe</p>'), page);
        const key = `models/${model}/evidence/${version}/${page}.html`;
        assert.equal(text((await store.get(key))?.bytes), '<p>Größe</p>');
        await store.put(key, utf8('<p>edited</p>'), 'none');
        await assert.rejects(
          registry.putPage(model, version, '<p>Größe</p>'),
          failure('DigestMismatch', new RegExp(page)),
        );
      });

      it('refuses a document whose bytes were changed', async () => {
        const version = aDigest('version');
        const digest = await registry.putEvidence(model, version, anEvidence(model, version));
        const [key] = await keysOf('').then((keys) => keys.filter((each) => each.includes(digest)));
        const stored = await store.get(key ?? '');
        await store.put(
          key ?? '',
          utf8(text(stored?.bytes).replace('data-science', 'everybody')),
          'none',
        );

        await assert.rejects(registry.evidence(model, version, digest), failure('DigestMismatch'));
        await assert.rejects(
          registry.testReport(model, version, digest),
          failure('DigestMismatch'),
        );
      });

      it('refuses a document about another model or version', async () => {
        const version = aDigest('version');
        const [otherModel, otherVersion] = [
          anEvidence(uniqueModel(), version),
          anEvidence(model, aDigest('other')),
        ];

        await assert.rejects(
          registry.putEvidence(model, version, otherModel),
          failure('EvidenceInvalid'),
        );
        await assert.rejects(
          registry.putEvidence(model, version, otherVersion),
          failure('EvidenceInvalid'),
        );
      });
    });

    describe('changeLive', () => {
      it('promotes, falls back and undoes, one generation a write', async () => {
        assert.equal(await registry.live(model), null);
        const undone = { kind: 'undo-promotion' } as const;
        const answers = [
          await registry.changeLive(model, aPromotion('a', null), 'w1'),
          await registry.changeLive(model, aPromotion('b', 'a'), 'w2'),
          await registry.changeLive(model, { kind: 'fallback', leaving: aDigest('b') }, 'w3'),
          await registry.changeLive(model, aPromotion('c', 'a'), 'w4'),
          await registry.changeLive(
            model,
            { ...undone, promoted: aDigest('c'), before: aDigest('a'), promotion: 'w4' },
            'w5',
          ),
        ];

        assert.deepEqual(answers.map(withoutPicture), [
          { kind: 'promoted', generation: 1, live: aDigest('a') },
          { kind: 'promoted', generation: 2, live: aDigest('b') },
          { kind: 'fallen-back', generation: 3, live: aDigest('a') },
          { kind: 'promoted', generation: 4, live: aDigest('c') },
          { kind: 'restored', generation: 5, live: aDigest('a') },
        ]);
        const reading = await registry.live(model);
        assert.equal(reading?.state.generation, 5);
        assert.deepEqual(reading.state.withdrawn, [aDigest('b')]);
      });

      it('costs three calls of the store where nothing races, for what it writes over goes into the chain first', async () => {
        await registry.changeLive(model, aPromotion('a', null), 'w1');
        await registry.changeLive(model, aPromotion('b', 'a'), 'w2');
        const counted = new WatchedStore(store);

        const change = { kind: 'fallback', leaving: aDigest('b') } as const;
        await new ObjectRegistry(counted).changeLive(model, change, 'w3');

        const key = `models/${model}/live.json`;
        const before = `models/${model}/audit/live/2.json`;
        assert.deepEqual(counted.calls, [`get ${key}`, `put ${before}`, `put ${key}`]);
        const state = (await registry.live(model))?.state;
        const line = await store.get(before);
        assert.equal(state?.audit?.previous, line && digestOfBytes(line.bytes));
        assert.deepEqual(state.made, { kind: 'fallen-back', by: null, reason: null });
      });

      it('lets exactly one of 20 racing promotions through', async () => {
        const results = await Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            new ObjectRegistry(store).changeLive(model, aPromotion(`c${index}`, null), `w${index}`),
          ),
        );

        assert.deepEqual(kindsOf(results), [...Array<string>(19).fill('moved'), 'promoted']);
        const promoted = results.find(({ kind }) => kind === 'promoted');
        assert.equal((await registry.live(model))?.state.live, promoted?.live);
        assert.equal((await registry.live(model))?.state.generation, 1);
      });

      it('falls back once when two ask at the same time', async () => {
        await registry.changeLive(model, aPromotion('a', null), 'w1');
        await registry.changeLive(model, aPromotion('b', 'a'), 'w2');
        const change = { kind: 'fallback', leaving: aDigest('b') } as const;

        const results = await Promise.all([
          new ObjectRegistry(store).changeLive(model, change, 'w3'),
          new ObjectRegistry(store).changeLive(model, change, 'w4'),
        ]);

        assert.deepEqual(kindsOf(results), ['already-done', 'fallen-back']);
        assert.equal((await registry.live(model))?.state.generation, 3);
      });

      it('gives a retry the first answer, without a second write', async () => {
        const first = await registry.changeLive(model, aPromotion('a', null), 'w1');

        assert.deepEqual(await registry.changeLive(model, aPromotion('a', null), 'w1'), first);
        assert.equal((await registry.live(model))?.state.generation, 1);
      });

      it('knows its own write when the reply is lost', async () => {
        const lossy = watched({
          after: (call) => {
            if (call === 'put') throw unreachable();
          },
        });

        const answer = await lossy.changeLive(model, aPromotion('a', null), 'w1');
        assert.deepEqual(withoutPicture(answer), {
          kind: 'promoted',
          generation: 1,
          live: aDigest('a'),
        });
      });

      it('reports the store as unreachable when nothing was written', async () => {
        const dead = watched({
          before: (call) => {
            if (call === 'put') throw unreachable();
          },
        });

        await assert.rejects(
          dead.changeLive(model, aPromotion('a', null), 'w1'),
          failure('StoreUnreachable'),
        );
        assert.equal(await registry.live(model), null);
      });

      it('freezes and thaws, and knows its own freeze and thaw again', async () => {
        const freeze = { kind: 'freeze', by: 'grace', reason: 'wrong queues' } as const;
        const thaw = { kind: 'thaw', by: 'ada', reason: 'mended' } as const;
        const frozen = await registry.changeLive(model, freeze, 'w1');

        assert.deepEqual(withoutPicture(frozen), { kind: 'frozen', generation: 1, live: null });
        assert.equal(frozen.picture.frozen?.by, 'grace');
        assert.deepEqual(await registry.changeLive(model, freeze, 'w1'), frozen);
        assert.equal(
          (await registry.changeLive(model, aPromotion('a', null), 'w2')).kind,
          'frozen',
        );
        const thawed = await registry.changeLive(model, thaw, 'w3');
        assert.equal(thawed.kind, 'thawed');
        assert.deepEqual(await registry.changeLive(model, thaw, 'w3'), thawed);
        assert.equal(
          (await registry.changeLive(model, aPromotion('a', null), 'w4')).kind,
          'promoted',
        );
      });

      it('never takes back what another promoted again (A-B-A), and knows its own undo again', async () => {
        const undo = (promotion: string, before: string | null) =>
          ({
            kind: 'undo-promotion',
            promoted: aDigest('a'),
            before: before === null ? null : aDigest(before),
            promotion,
          }) as const;
        await registry.changeLive(model, aPromotion('a', null), 'r1/promote/x');
        await registry.changeLive(model, aPromotion('b', 'a'), 'r2/promote/x');
        const before = await registry.live(model);
        await registry.changeLive(model, aPromotion('a', 'b'), 'r3/promote/x/2');

        const foreign = await registry.changeLive(model, undo('r1/promote/x', null), 'u1');
        assert.deepEqual(withoutPicture(foreign), {
          ...{ kind: 'forgotten', generation: 4, live: aDigest('a') },
        });
        assert.deepEqual(
          await registry.changeLive(model, undo('r1/promote/x', null), 'u1'),
          foreign,
          'a retry whose reply was lost',
        );
        const own = await registry.changeLive(model, undo('r3/promote/x', 'b'), 'u3');
        assert.deepEqual(withoutPicture(own), {
          ...{ kind: 'restored', generation: 5, live: aDigest('b') },
        });
        assert.deepEqual(
          await registry.changeLive(model, undo('r3/promote/x', 'b'), 'u3'),
          own,
          'a retry whose reply was lost',
        );
        const after = await registry.live(model);
        const [b] = before?.state.served ?? [];
        assert.deepEqual(after?.state.served, [b], 'the first promotion of a is undone too');
      });

      it('is not written any more by an attempt that was given up, whose wish a later one did and another undid', async () => {
        const promotion = 'r1/promote/x';
        const undo = {
          kind: 'undo-promotion',
          promoted: aDigest('a'),
          before: null,
          promotion,
        } as const;
        const givenUp = new AbortController();
        let isFirst = true;
        const late = watched({
          before: async (call) => {
            if (call !== 'put' || !isFirst) return;
            isFirst = false;
            await registry.changeLive(model, aPromotion('a', null), promotion);
            await registry.changeLive(model, undo, 'u1');
            givenUp.abort(new Error('given up'));
          },
        });

        await assert.rejects(
          late.changeLive(model, aPromotion('a', null), promotion, givenUp.signal),
          /given up/,
        );
        assert.equal((await registry.live(model))?.state.live, null);
      });

      it('is not written any more by a promotion that nobody had an answer of, once it is undone', async () => {
        await registry.changeLive(model, aPromotion('a', null), 'w1');
        const promotion = 'r1/promote/x';
        const undo = {
          ...({ kind: 'undo-promotion', unanswered: true, promotion } as const),
          ...{ promoted: aDigest('b'), before: aDigest('a') },
        };
        let isFirst = true;
        const late = watched({
          before: async (call) => {
            if (call !== 'put' || !isFirst) return;
            isFirst = false;
            const undone = await registry.changeLive(model, undo, 'u1');
            assert.deepEqual(withoutPicture(undone), {
              ...{ kind: 'already-clean', generation: 2, live: aDigest('a') },
            });
            assert.deepEqual(await registry.changeLive(model, undo, 'u1'), undone, 'a retry of it');
            givenUp.abort(new Error('given up'));
          },
        });
        const givenUp = new AbortController();

        const asked = late.changeLive(model, aPromotion('b', 'a'), promotion, givenUp.signal);
        await assert.rejects(asked, /given up/);
        assert.equal((await registry.live(model))?.state.live, aDigest('a'));
      });

      it('is read where a newer build wrote more, and written by that build alone', async () => {
        await registry.changeLive(model, aPromotion('a', null), 'w1');
        const key = `models/${model}/live.json`;
        const stored = await store.get(key);
        const words = text(stored?.bytes)
          .replace('"schemaVersion":1', '"schemaVersion":1,"signedBy":["ada"]')
          .replace('"artifact":', '"seal":{"kid":"k1"},"artifact":');
        await store.put(key, utf8(words), { etag: stored?.etag ?? '' });

        const older = new ObjectRegistry(store);
        assert.equal((await older.live(model))?.state.live, aDigest('a'));
        assert.deepEqual(
          await older.changeLive(model, aPromotion('a', null), 'w1'),
          await registry.changeLive(model, aPromotion('a', null), 'w1'),
          'its own write before that',
        );
        await assert.rejects(
          older.changeLive(model, aPromotion('b', 'a'), 'w2'),
          failure('LivePointerBusy', /signedBy, .*served\.0\.seal|served\.0\.seal, .*signedBy/),
        );
        assert.equal(text((await store.get(key))?.bytes), words);
        await store.put(key, utf8(words.replace('"schemaVersion":1', '"schemaVersion":2')), {
          etag: (await store.get(key))?.etag ?? '',
        });
        await assert.rejects(older.live(model), failure('StoreRefused', /schemaVersion/));
      });

      it('keeps who ordered a fallback directly, knows the retry of it, and tells later answers', async () => {
        const order = { by: 'grace', reason: 'wrong queues' };
        await registry.changeLive(model, aPromotion('a', null), 'w1');
        await registry.changeLive(model, aPromotion('b', 'a'), 'w2');
        const change = { kind: 'fallback', leaving: aDigest('b'), direct: order } as const;
        const rival = { kind: 'fallback', leaving: aDigest('b') } as const;

        const results = await Promise.all([
          new ObjectRegistry(store).changeLive(model, change, 'direct/1'),
          new ObjectRegistry(store).changeLive(model, rival, 'update/1'),
        ]);
        assert.deepEqual(kindsOf(results), ['already-done', 'fallen-back']);
        const won = results[0].kind === 'fallen-back';
        const { state } = (await registry.live(model)) ?? assert.fail('live.json is gone');
        assert.deepEqual(
          state.direct.map(({ by, reason, generation }) => ({ by, reason, generation })),
          won ? [{ ...order, generation: 3 }] : [],
        );
        const retried = await registry.changeLive(model, change, 'direct/1');
        assert.equal(retried.kind, won ? 'fallen-back' : 'already-done');
        assert.equal((await registry.live(model))?.state.generation, 3);
      });

      it('reads without writing to adopt, also where nothing is there', async () => {
        assert.deepEqual(
          withoutPicture(await registry.changeLive(model, { kind: 'adopt' }, 'w1')),
          { kind: 'adopted', generation: 0, live: null },
        );
        await registry.changeLive(model, aPromotion('a', null), 'w2');
        await registry.changeLive(model, aPromotion('b', 'a'), 'w3');
        const direct = { by: 'grace', reason: 'wrong queues' };
        const change = { kind: 'fallback', leaving: aDigest('b'), direct } as const;
        await registry.changeLive(model, change, 'direct/1');
        const counted = new WatchedStore(store);
        const adopting = new ObjectRegistry(counted);

        const adopted = await adopting.changeLive(model, { kind: 'adopt' }, 'w4');
        assert.deepEqual(counted.calls, [`get models/${model}/live.json`]);
        assert.deepEqual(withoutPicture(adopted), {
          ...{ kind: 'adopted', generation: 3, live: aDigest('a') },
        });
        assert.deepEqual(
          adopted.direct.map(({ by, leaving, version }) => ({ by, leaving, version })),
          [{ by: 'grace', leaving: aDigest('b'), version: 1 }],
        );
      });

      it('gives up after 20 conflicts', async () => {
        let writes = 0;
        const rival = new ObjectRegistry(store);
        const busy = watched({
          before: async (call, key) => {
            if (call !== 'put' || key.includes('/audit/')) return;
            writes += 1;
            const [next, before] = [`r${writes}`, writes === 1 ? null : `r${writes - 1}`];
            await rival.changeLive(model, aPromotion(next, before), `rival ${writes}`);
            await rival.changeLive(
              model,
              {
                kind: 'undo-promotion',
                promoted: aDigest(next),
                before: before && aDigest(before),
                promotion: `rival ${writes}`,
              },
              `undo ${writes}`,
            );
            writes -= 1;
            tries += 1;
          },
        });
        let tries = 0;

        await assert.rejects(
          busy.changeLive(model, aPromotion('a', null), 'w1'),
          failure('LivePointerBusy', /20 times/),
        );
        assert.equal(tries, 20);
      });

      it('refuses a write id that named another change', async () => {
        await registry.changeLive(model, aPromotion('a', null), 'w1');

        await assert.rejects(
          registry.changeLive(model, aPromotion('b', 'a'), 'w1'),
          failure('InvalidRequest', /"w1"/),
        );
      });
    });

    describe('live', () => {
      const liveKey = () => `models/${model}/live.json`;

      it('costs no body while nothing changes', async () => {
        await registry.changeLive(model, aPromotion('a', null), 'w1');
        const reading = await registry.live(model);

        assert.deepEqual(await registry.liveIfChanged(model, null), reading);
        assert.equal(await registry.liveIfChanged(model, reading?.etag ?? null), 'unchanged');
        await registry.changeLive(model, aPromotion('b', 'a'), 'w2');
        const next = await registry.liveIfChanged(model, reading?.etag ?? null);
        assert.ok(next !== null && next !== 'unchanged');
        assert.equal(next.state.live, aDigest('b'));
      });

      it('refuses a lower generation than it has seen, also in a change', async () => {
        await registry.changeLive(model, aPromotion('a', null), 'w1');
        const old = await store.get(liveKey());
        await registry.changeLive(model, aPromotion('b', 'a'), 'w2');
        await store.put(liveKey(), old?.bytes ?? utf8(''), 'none');

        const refused = failure('StoreRefused', /went back from generation 2 to 1/);
        await assert.rejects(registry.live(model), refused);
        await assert.rejects(registry.changeLive(model, aPromotion('c', 'a'), 'w3'), refused);
        await store.delete(liveKey());
        await assert.rejects(
          registry.live(model),
          failure('StoreRefused', /from generation 2 to 0/),
        );
      });

      it('refuses another history of the same length', async () => {
        await registry.changeLive(model, aPromotion('a', null), 'w1');
        await store.delete(liveKey());
        await new ObjectRegistry(store).changeLive(model, aPromotion('b', null), 'other');

        await assert.rejects(registry.live(model), failure('StoreRefused', /another generation 1/));
      });

      it('takes an answer that a faster one overtook', async () => {
        const held = new EventEmitter();
        let gets = 0;
        const slow = watched({
          after: async (call) => {
            if (call !== 'get') return;
            gets += 1;
            if (gets > 1) return;
            held.emit('held');
            await once(held, 'release');
          },
        });
        await registry.changeLive(model, aPromotion('a', null), 'w1');
        const isHeld = once(held, 'held');
        const overtaken = slow.live(model);
        await isHeld;
        await registry.changeLive(model, aPromotion('b', 'a'), 'w2');
        assert.equal((await slow.live(model))?.state.generation, 2);
        held.emit('release');

        assert.equal((await overtaken)?.state.generation, 1);
      });

      it('refuses what is no live state, and another model’s', async () => {
        await registry.changeLive(model, aPromotion('a', null), 'w1');
        const other = uniqueModel();
        await store.copy(liveKey(), `models/${other}/live.json`);
        await assert.rejects(registry.live(other), failure('StoreRefused', new RegExp(model)));

        for (const broken of ['', '{', '[]', '{"schemaVersion":2}', '\u{1F600}'.slice(0, 1)]) {
          await store.put(liveKey(), utf8(broken), 'none');
          await assert.rejects(
            new ObjectRegistry(store).live(model),
            failure('StoreRefused', new RegExp(`models/${model}/live\\.json`)),
          );
        }
      });
    });

    describe('staging', () => {
      const run = randomUUID();

      it('carries files to another folder and verifies them', async () => {
        await using source = await aFolder(FILES);
        await using target = await aFolder();
        const place = { run: randomUUID(), stage: 'retrain', attempt: 2 } as const;

        const staged = await registry.stage(place, source.path, Object.keys(FILES));
        await registry.fetchStaged(staged, target.path);

        assert.deepEqual(
          staged.files.map(({ path, bytes }) => [path, bytes]),
          [
            ['front-end/words.json', 9],
            ['model.onnx', 9],
          ],
        );
        assert.equal(await readFile(join(target.path, 'model.onnx'), 'utf8'), 'the graph');
        await store.put(`staging/${place.run}/retrain/2/model.onnx`, utf8('changed!!'), 'none');
        await assert.rejects(
          registry.fetchStaged(staged, target.path),
          failure('DigestMismatch', /staging\/.*\/model\.onnx/),
        );
      });

      it('refuses a link out of the folder', async () => {
        await using source = await aFolder();
        await symlink('/etc/hostname', join(source.path, 'model.onnx'));

        await assert.rejects(
          registry.stage({ run, stage: 'convert', attempt: 1 }, source.path, ['model.onnx']),
          failure('BadTrainerOutput', /not a regular file/),
        );
      });

      it('is swept with its checkpoints, one run at a time', async () => {
        await using source = await aFolder(FILES);
        const [mine, other] = [randomUUID(), randomUUID()];
        for (const each of [mine, other]) {
          await registry.stage({ run: each, stage: 'retrain', attempt: 1 }, source.path, [
            'model.onnx',
          ]);
          await registry.saveCheckpoint(each, 'epoch-1.bin', join(source.path, 'model.onnx'));
        }

        assert.equal(await registry.sweepStaging(mine), 2);
        assert.equal(await registry.sweepStaging(mine), 0);
        assert.equal((await keysOf(`staging/${other}/`)).length, 2);
      });

      it('brings the last state of every checkpoint', async () => {
        await using source = await aFolder({ a: 'first' });
        await using target = await aFolder();
        const own = randomUUID();
        await registry.saveCheckpoint(own, 'state.bin', join(source.path, 'a'));
        await writeFile(join(source.path, 'a'), 'second');
        await registry.saveCheckpoint(own, 'state.bin', join(source.path, 'a'));

        assert.deepEqual(await registry.fetchCheckpoints(own, target.path), ['state.bin']);
        assert.equal(await readFile(join(target.path, 'state.bin'), 'utf8'), 'second');
        assert.deepEqual(await registry.fetchCheckpoints(randomUUID(), target.path), []);
      });
    });

    describe('replicas', () => {
      const report = (replica: string) =>
        ({ replica, digest: aDigest('a'), generation: 3, problem: null }) as const;

      it('are live from their report until they are removed', async () => {
        await registry.reportReplica(model, report('one'));
        await registry.reportReplica(model, report('two'));
        await registry.reportReplica(model, { ...report('two'), problem: 'no memory' });

        assert.deepEqual(await registry.liveReplicas(model), [
          report('one'),
          { ...report('two'), problem: 'no memory' },
        ]);
        await registry.removeReplica(model, 'one');
        await registry.removeReplica(model, 'never-there');
        assert.deepEqual(kindsOf(await registry.liveReplicas(model).then(named)), ['two']);
      });

      it('refuse what is no report', async () => {
        await store.put(`models/${model}/replicas/one.json`, utf8('{}'), 'none');

        await assert.rejects(
          registry.liveReplicas(model),
          failure('StoreRefused', /replicas\/one\.json/),
        );
      });
    });

    describe('appendPredictions', () => {
      it('writes one object an hour and name, and knows its own retry', async () => {
        const at = new Date('2002-10-05T07:59:59.999Z');

        await registry.appendPredictions(model, at, 'one-0001.parquet', utf8('{}\n'));
        await registry.appendPredictions(model, at, 'one-0001.parquet', utf8('{}\n'));

        const key = `predictions/${model}/2002-10-05/07/one-0001.parquet`;
        assert.equal(text((await store.get(key))?.bytes), '{}\n');
        await assert.rejects(
          registry.appendPredictions(model, at, 'one-0001.parquet', utf8('[]\n')),
          failure('StoreRefused', /other predictions/),
        );
      });
    });

    describe('names', () => {
      for (const bad of ['../x', '', 'A', 'a/b', '.', '..', 'a'.repeat(65), 'a b', 'ä', 'a\n']) {
        it(`are refused everywhere: ${JSON.stringify(bad.slice(0, 8))}`, async () => {
          await using folder = await aFolder({ 'model.onnx': 'x' });
          const digest = aDigest('x');
          const place = { run: randomUUID(), stage: 'retrain', attempt: 1 } as const;
          const report = { replica: 'one', digest: null, generation: 0, problem: null };
          const at = new Date(0);
          const calls: (() => Promise<unknown>)[] = [
            () => registry.stage({ ...place, run: bad }, folder.path, ['model.onnx']),
            () => registry.sweepStaging(bad),
            () => registry.saveCheckpoint(bad, 'a', join(folder.path, 'model.onnx')),
            () => registry.fetchCheckpoints(bad, folder.path),
            () => registry.fetchStaged({ ...place, run: bad, files: [] }, folder.path),
            () => registry.version(bad, 1),
            () => registry.versionByDigest(bad, digest),
            () => registry.versions(bad),
            () => registry.evidence(bad, digest, digest),
            () => registry.evidence(model, bad, digest),
            () => registry.testReport(model, digest, bad),
            () => registry.putEvidence(model, bad, anEvidence(model, bad)),
            () => registry.live(bad),
            () => registry.liveIfChanged(bad, null),
            () => registry.changeLive(bad, aPromotion('a', null), 'w'),
            () => registry.reportReplica(bad, report),
            () => registry.reportReplica(model, { ...report, replica: bad }),
            () => registry.removeReplica(model, bad),
            () => registry.liveReplicas(bad),
            () => registry.appendPredictions(bad, at, 'a', utf8('')),
          ];
          for (const call of calls) {
            await assert.rejects(
              call(),
              (error) => failure('InvalidName')(error) || failure('EvidenceInvalid')(error),
              String(call),
            );
          }
          await assert.rejects(
            registry.publish(aManifest(bad, { 'model.onnx': 'x' }), folder.path),
            failure('InvalidModelFile', /model/),
          );
        });
      }

      for (const bad of ['../x', '/etc/passwd', 'a/../../b', '', 'a//b', '.hidden', 'a\\b']) {
        it(`are refused as paths: ${JSON.stringify(bad)}`, async () => {
          await using folder = await aFolder({ 'model.onnx': 'x' });
          const place = { run: randomUUID(), stage: 'retrain', attempt: 1 } as const;
          const file = { path: bad, bytes: 1, sha256: aDigest('x') };

          await assert.rejects(registry.stage(place, folder.path, [bad]), failure('InvalidName'));
          await assert.rejects(
            registry.fetchStaged({ ...place, files: [file] }, folder.path),
            failure('InvalidName'),
          );
          await assert.rejects(
            registry.saveCheckpoint(place.run, bad, join(folder.path, 'model.onnx')),
            failure('InvalidName'),
          );
          await assert.rejects(
            registry.appendPredictions(model, new Date(0), bad, utf8('')),
            failure('InvalidName'),
          );
          await assert.rejects(
            registry.publish(aManifest(model, { [bad]: 'x' }), folder.path),
            failure('InvalidModelFile'),
          );
        });
      }

      it('refuse numbers that are none', async () => {
        for (const bad of [0, -1, 1.5, Number.NaN, 1_000_001]) {
          await assert.rejects(registry.version(model, bad), failure('InvalidName'));
        }
      });
    });
  });
}

const named = (reports: readonly { replica: string }[]) =>
  reports.map(({ replica }) => ({ kind: replica }));
