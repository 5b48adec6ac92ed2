import { Socket } from 'node:net';
import { Worker } from 'node:worker_threads';
import { isPortError, PortError } from '../../domain/failures.js';
import { BusyPoll } from './busy-poll.js';
import { encodeFrame, FrameReader } from './frames.js';
import type { Frame } from './frames.js';
import { loadFailure, tellsOfMemory } from './load-failure.js';
import { requestSchema } from './messages.js';
import type { ChildReply, ChildRequest } from './messages.js';
import { ModelSession } from './model-session.js';
import { packTensors, placesOf, unpackTensors } from './tensors.js';

/**
 * The process in which one model runs. Descriptor 3 is its end of a socket pair with the parent; 4 is a second one that
 * carries nothing: it closes when the parent dies, also by SIGKILL.
 */
const socket = new Socket({ fd: 3 });
// the main thread is deaf while a graph runs, for ever if the graph loops: a thread of its own waits for the parent's end
const watch = new Worker(
  `const { Socket } = require('node:net');
   new Socket({ fd: 4 }).resume().on('close', () => process.kill(process.pid, 'SIGKILL'));`,
  { eval: true, resourceLimits: { maxOldGenerationSizeMb: 8, maxYoungGenerationSizeMb: 1 } },
);
watch.unref();

let session: ModelSession | null = null;
let labels = placesOf([]);
let busyPoll = new BusyPoll(0);
const waiting: Frame[] = [];
let isBusy = false;
const reader = new FrameReader();

socket.on('data', (chunk: Buffer) => {
  waiting.push(...reader.push(chunk));
  if (!isBusy) void work();
});
socket.on('close', () => process.exit(0));
socket.on('error', () => process.exit(0));

/** Answers what waits, one after the other: answers come in the order of the requests. */
async function work(): Promise<void> {
  isBusy = true;
  for (let frame = waiting.shift(); frame !== undefined; frame = waiting.shift()) {
    const request = requestSchema.parse(frame.header);
    try {
      await answer(request, frame.bytes);
    } catch (error) {
      const failure =
        request.kind === 'open' ? loadFailure(error, request.artifact, 0) : runFailure(error);
      reply(failureReply(failure, request.kind === 'infer' ? request.id : null));
    }
  }
  isBusy = false;
  busyPoll.start();
}

async function answer(request: ChildRequest, bytes: Buffer): Promise<void> {
  if (request.kind === 'open') {
    session = await ModelSession.open(request);
    busyPoll = new BusyPoll(request.busyPollMs);
    labels = placesOf(request.manifest.contract.labels);
    reply({ kind: 'opened' });
    return;
  }
  if (session === null) throw new PortError('InvalidInput', 'no model is open');
  const startedMs = performance.now();
  const outputs = await session.infer(unpackTensors(request.tensors, bytes));
  const computeMs = performance.now() - startedMs;
  const { packed, parts } = packTensors(outputs, labels);
  reply({ kind: 'answer', id: request.id, tensors: packed, computeMs }, parts);
}

function reply(message: ChildReply, parts: readonly Uint8Array[] = []): void {
  socket.write(encodeFrame(message, parts));
}

function failureReply({ type, message, details }: PortError, id: number | null): ChildReply {
  return { kind: 'failed', id, type, message: message.slice(0, 4_000), details };
}

/** What onnxruntime threw while running a loaded graph. */
function runFailure(error: unknown): PortError {
  if (isPortError(error)) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (tellsOfMemory(message)) {
    return new PortError(
      'OutOfMemory',
      'the batch does not fit into the memory limit of the model; send fewer rows or raise the limit',
      { details: { message: message.slice(0, 500) } },
    );
  }
  return new PortError('InvalidInput', `the graph refuses the batch: ${message.slice(0, 500)}`);
}
