import { join } from 'node:path';
import { ChildModelRuntime } from '../../../adapters/model-runtime/child-model-runtime.js';
import type { ObjectRegistry } from '../../../adapters/registry/object-registry.js';
import { shortDigest } from '../../../domain/names.js';
import type { RegisteredVersion } from '../../../domain/ports/registry.js';
import { manifestOf } from '../../serving/memory-registry.js';
import {
  LABELS,
  textModel,
  WORDS,
  writeModel,
  type SmallModel,
} from '../../support/small-models.js';
import { promotionOf } from '../s3/operations.js';

const MEMORY_BYTES = 512 * 1024 * 1024;
const LOAD_DEADLINE_MS = 30_000;

/** What a version says to one text. */
export interface Said {
  readonly label: string;
  readonly probabilities: readonly number[];
}

/** A version that was made live, or made live again. */
export interface MadeLive {
  readonly digest: string;
  readonly generation: number;
  /** When `live.json` was known to be written (`performance.now()`). */
  readonly atMs: number;
}

/** A time in which `live.json` named a version, at its widest. */
interface Span {
  readonly digest: string;
  readonly fromMs: number;
  /** When another was known to be live; null: it still is. */
  toMs: number | null;
  /** When its deploy ended; null: it has not. */
  servedMs: number | null;
}

/** Versions of one model of which each answers differently, what each says, and when each was live. */
export class Line {
  readonly #spans: Span[] = [];
  #promoted = 0;

  private constructor(
    readonly registry: ObjectRegistry,
    readonly model: string,
    readonly versions: readonly RegisteredVersion[],
    /** Texts by what each version says to them. */
    readonly expected: ReadonlyMap<string, ReadonlyMap<string, Said>>,
  ) {}

  /** Publishes versions and asks each in a process of its own, before anything is live. */
  static async publish(given: {
    readonly registry: ObjectRegistry;
    readonly model: string;
    readonly folder: string;
    readonly count: number;
  }): Promise<Line> {
    const { registry, model, folder, count } = given;
    const versions: RegisteredVersion[] = [];
    const expected = new Map<string, ReadonlyMap<string, Said>>();
    const texts = [...WORDS, ...marks(count)];
    for (let turn = 0; turn < count; turn += 1) {
      const small = textModel({
        turn: turn % LABELS.length,
        vocabulary: [...WORDS, `version${turn + 1}`],
      });
      const directory = join(folder, String(turn));
      await writeModel(small, directory);
      const version = await registry.publish(manifestOf(model, small, turn), directory);
      versions.push(version);
      expected.set(version.digest, await answersOf(small, directory, texts));
    }
    return new Line(registry, model, versions, expected);
  }

  /** Words that one version each knows: asked together, no two versions answer alike. */
  get marks(): readonly string[] {
    return marks(this.versions.length);
  }

  /** What `live.json` names. */
  get live(): string | null {
    return this.#spans.at(-1)?.digest ?? null;
  }

  async promoteNext(): Promise<MadeLive> {
    const version = this.versions[this.#promoted];
    if (version === undefined) throw new Error('all versions have been live');
    this.#promoted += 1;
    return this.#change(promotionOf(version, this.live), version.digest);
  }

  /** Leaves what is live for what was live before. */
  async fallBack(): Promise<MadeLive> {
    const before = this.#spans.at(-2);
    if (this.live === null || before === undefined) throw new Error('nothing to fall back to');
    return this.#change({ kind: 'fallback', leaving: this.live }, before.digest);
  }

  /** Its deploy has ended: from now on nobody else answers. */
  isServed(): void {
    const last = this.#spans.at(-1);
    if (last !== undefined) last.servedMs = performance.now();
  }

  /** True where another version answered, though the deploy of the live one had ended before the request was asked. */
  isOvertaken(digest: string, asked: { readonly fromMs: number; readonly toMs: number }): boolean {
    const newest = this.#spans.filter(({ fromMs }) => fromMs <= asked.toMs).at(-1);
    const servedMs = newest?.servedMs ?? Number.POSITIVE_INFINITY;
    return newest?.digest !== digest && servedMs < asked.fromMs;
  }

  /** How long ago a version was live last that answered a request asked then; null: it never was by that time. */
  staleMs(
    digest: string,
    asked: { readonly fromMs: number; readonly toMs: number },
  ): number | null {
    const spans = this.#spans.filter((each) => each.digest === digest && each.fromMs <= asked.toMs);
    if (spans.length === 0) return null;
    return Math.min(
      ...spans.map(({ toMs }) => (toMs === null ? 0 : Math.max(0, asked.fromMs - toMs))),
    );
  }

  async #change(
    change: Parameters<ObjectRegistry['changeLive']>[1],
    digest: string,
  ): Promise<MadeLive> {
    const last = this.#spans.at(-1);
    const span: Span = { digest, fromMs: performance.now(), toMs: null, servedMs: null };
    this.#spans.push(span);
    const request = `${change.kind}-${this.#spans.length}`;
    const { kind, live, generation } = await this.registry.changeLive(this.model, change, request);
    if (live !== digest) {
      throw new Error(`${request} ended "${kind}", and ${shortDigest(live ?? 'nothing')} is live`);
    }
    const atMs = performance.now();
    if (last !== undefined) last.toMs = atMs;
    return { digest, generation, atMs };
  }
}

function marks(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `version${index + 1}`);
}

async function answersOf(
  { manifest }: SmallModel,
  directory: string,
  texts: readonly string[],
): Promise<ReadonlyMap<string, Said>> {
  const opened = await new ChildModelRuntime().open({
    ...{ directory, manifest, artifact: 'model.onnx' },
    ...{ memoryLimitBytes: MEMORY_BYTES, loadDeadlineMs: LOAD_DEADLINE_MS },
  });
  try {
    const input = { name: 'text', datatype: 'BYTES', shape: [texts.length], data: texts } as const;
    const { outputs } = await opened.infer([{ ...input, shape: [texts.length] }]);
    const dataOf = (wanted: string) => [
      ...(outputs.find(({ name }) => name === wanted)?.data ?? []),
    ];
    return saidOf(texts, dataOf('label'), dataOf('probabilities'));
  } finally {
    await opened.close();
  }
}

/** Splits outputs by row. */
export function saidOf(
  texts: readonly string[],
  labels: readonly unknown[],
  probabilities: readonly unknown[],
): ReadonlyMap<string, Said> {
  const classes = probabilities.length / texts.length;
  return new Map(
    texts.map((text, row) => [
      text,
      {
        label: String(labels[row]),
        probabilities: probabilities.slice(row * classes, (row + 1) * classes).map(Number),
      },
    ]),
  );
}
