import { PortError } from '../../domain/failures.js';
import type { InferResult, OpenedModel, Tensor } from '../../domain/ports/model-runtime.js';
import { BusyPoll } from './busy-poll.js';
import { CappedChild } from './child-process.js';
import type { ChildOptions } from './child-process.js';
import { encodeFrame, FrameReader } from './frames.js';
import { replySchema } from './messages.js';
import type { ChildReply, OpenRequest } from './messages.js';
import { residentMemory } from './resident-memory.js';
import { packTensors, unpackTensors } from './tensors.js';

/** How long the graph may take over one batch where the caller names no time. */
const DEFAULT_INFER_TIMEOUT_MS = 30_000;

/** What is made of a larger one may be as much as the process may have. */
const LARGE_FRAME_BYTES = 1 << 20;

/** A request that the child has not answered yet. */
interface Pending {
  readonly id: number | null;
  readonly timeoutMs: number;
  readonly answered: (reply: ChildReply, bytes: Buffer) => void;
  readonly failed: (failure: PortError) => void;
}

/** One model in its child process. The child answers in the order of the requests, so the first pending one is at work. */
export class ChildModel implements OpenedModel {
  readonly pid: number;
  readonly exited: Promise<string>;
  #loadMs = 0;
  readonly #child: CappedChild;
  readonly #busyPoll: BusyPoll;
  readonly #labels: readonly string[];
  #pending: Pending[] = [];
  #timer: NodeJS.Timeout | null = null;
  #lastId = 0;
  #end: PortError | null = null;
  #isClosed = false;

  private constructor(child: CappedChild, { busyPollMs, manifest }: OpenRequest) {
    this.#child = child;
    this.#busyPoll = new BusyPoll(busyPollMs);
    this.#labels = manifest.contract.labels;
    this.pid = child.pid;
    const reader = new FrameReader();
    child.socket.on('data', (chunk: Buffer) => this.#receive(reader, chunk));
    this.exited = child.ended.then((end) => {
      this.#fail(end);
      return this.#isClosed ? 'closed' : end.message;
    });
  }

  /** Has the child load the model. Rejects as `ModelRuntime.open` does, after the child is gone. */
  static async open(
    options: ChildOptions,
    deadlineMs: number,
    request: OpenRequest,
  ): Promise<ChildModel> {
    const startedMs = performance.now();
    const child = new CappedChild(options);
    const model = new ChildModel(child, request);
    try {
      await model.#ask({ id: null, timeoutMs: deadlineMs }, encodeFrame(request), () => undefined);
    } catch (error) {
      child.end(new PortError('RuntimeCrashed', 'the model did not load'));
      await child.ended;
      throw error;
    }
    model.#loadMs = performance.now() - startedMs;
    return model;
  }

  get loadMs(): number {
    return this.#loadMs;
  }

  /** Batches at work or waiting. */
  get waiting(): number {
    return this.#pending.length;
  }

  async infer(inputs: readonly Tensor[], given: { timeoutMs?: number } = {}): Promise<InferResult> {
    const id = ++this.#lastId;
    const { packed, parts } = packTensors(inputs);
    const frame = encodeFrame({ kind: 'infer', id, tensors: packed }, parts);
    const timeoutMs = given.timeoutMs ?? DEFAULT_INFER_TIMEOUT_MS;
    const answer = this.#ask({ id, timeoutMs }, frame, (reply, bytes) => {
      if (reply.kind !== 'answer') throw new RangeError(`"${reply.kind}" is no answer`);
      const outputs = unpackTensors(reply.tensors, bytes, this.#labels);
      return { outputs, computeMs: reply.computeMs };
    });
    if (frame.byteLength > LARGE_FRAME_BYTES) void this.#child.watchClosely(answer);
    return answer;
  }

  async memory(): Promise<{ rssBytes: number; peakRssBytes: number }> {
    if (this.#end) throw this.#end;
    const { rssBytes, peakRssBytes } = await residentMemory(this.pid);
    return { rssBytes, peakRssBytes };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#child.end(new PortError('RuntimeCrashed', 'the model was closed'));
    await this.exited;
  }

  #ask<T>(
    about: { id: number | null; timeoutMs: number },
    frame: Buffer,
    read: (reply: ChildReply, bytes: Buffer) => T,
  ): Promise<T> {
    if (this.#end) return Promise.reject(notStarted(this.#end));
    return new Promise<T>((resolve, reject) => {
      this.#pending.push({
        ...about,
        answered: (reply, bytes) => resolve(read(reply, bytes)),
        failed: reject,
      });
      if (this.#pending.length === 1) this.#startTimer();
      this.#child.socket.write(frame);
      this.#busyPoll.start();
    });
  }

  #receive(reader: FrameReader, chunk: Buffer): void {
    this.#busyPoll.start(); // whoever is answered may ask again at once
    try {
      for (const { header, bytes } of reader.push(chunk)) {
        this.#settleFirst(replySchema.parse(header), bytes);
      }
    } catch (cause) {
      this.#child.end(
        new PortError('RuntimeCrashed', 'the model process talks nonsense', { cause }),
      );
    }
  }

  #settleFirst(reply: ChildReply, bytes: Buffer): void {
    const [first] = this.#pending;
    const id = reply.kind === 'opened' ? null : reply.id;
    if (first === undefined || first.id !== id)
      throw new RangeError(`nobody asked for answer ${id ?? 0}`);
    if (reply.kind === 'failed') {
      first.failed(new PortError(reply.type, reply.message, { details: reply.details }));
    } else {
      first.answered(reply, bytes);
    }
    this.#pending.shift();
    this.#startTimer();
  }

  /** Times only the batch at work: one that waits for others is not late. */
  #startTimer(): void {
    if (this.#timer) clearTimeout(this.#timer);
    const [first] = this.#pending;
    if (first === undefined) return;
    this.#timer = setTimeout(() => {
      const what = first.id === null ? 'load' : 'answer a batch';
      this.#child.end(
        new PortError('RuntimeTimeout', `the model did not ${what} within ${first.timeoutMs} ms`, {
          details: { timeoutMs: first.timeoutMs },
        }),
      );
    }, first.timeoutMs);
  }

  /** The batch at work failed by what ended the process; those behind it may be asked again elsewhere. */
  #fail(end: PortError): void {
    this.#end = end.type === 'RuntimeCrashed' ? end : crashedAfter(end);
    if (this.#timer) clearTimeout(this.#timer);
    const [first, ...others] = this.#pending;
    this.#pending = [];
    first?.failed(end);
    for (const { failed } of others) failed(notStarted(this.#end));
  }
}

function crashedAfter(end: PortError): PortError {
  return new PortError('RuntimeCrashed', end.message, {
    details: { ...end.details, after: end.type },
  });
}

/** `started: false` in the details: the batch never reached the graph. */
function notStarted(end: PortError): PortError {
  return new PortError('RuntimeCrashed', end.message, {
    details: { ...end.details, started: false },
  });
}
