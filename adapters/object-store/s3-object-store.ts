import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { setTimeout as pause } from 'node:timers/promises';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  UploadPartCommand,
  type GetObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import type {
  ListedObject,
  ObjectStore,
  StoredObject,
  WriteCondition,
  WriteResult,
} from '../../domain/ports/object-store.js';
import { fileParts } from './file-parts.js';
import { createS3Client, type S3ClientOptions } from './s3-client.js';
import { isNetworkFailure, readAnswer, storeFailure } from './store-failure.js';

/** Larger files travel in parts of this size, so at most 156 GiB in S3's 10,000 parts. */
const PART_BYTES = 16 * 1024 * 1024;
/** Parts of one file on their way at once. */
const PARTS_AT_ONCE = 3;
/** How often a read begins again after its body broke off; the SDK repeats requests only. */
const BODY_ATTEMPTS = 3;
/** What was turned on the way is read again; a range has no checksum of its own. */
const WHOLE = { ChecksumMode: 'ENABLED' } as const;
/** Waits between attempts while another write to the same key is under way (HTTP 409). */
const BUSY_WAITS_MS = [20, 50, 100, 200];

/** Which bucket, how to reach it, and who is told of the calls. */
export interface S3ObjectStoreOptions extends S3ClientOptions {
  readonly bucket: string;
  /** Told of every request before it is sent, repeats by the SDK not counted. */
  readonly onCall?: (operation: string, key: string) => void;
}

interface Sent {
  readonly sha256: string;
  readonly bytes: number;
}

/**
 * An `ObjectStore` in a bucket of Amazon S3 or a compatible store. Errors of local files in `putFile`
 * and `getFile` come through as Node throws them.
 */
export class S3ObjectStore implements ObjectStore {
  readonly #client: S3Client;
  readonly #options: S3ObjectStoreOptions;

  constructor(options: S3ObjectStoreOptions) {
    this.#options = options;
    this.#client = createS3Client(options);
  }

  async get(key: string): Promise<StoredObject | null> {
    const stored = await this.#read(key, WHOLE, readWhole);
    return stored === 'unchanged' ? null : stored;
  }

  async getIfChanged(key: string, etag: string | null): Promise<StoredObject | 'unchanged' | null> {
    return this.#read(key, { ...WHOLE, ...(etag !== null && { IfNoneMatch: etag }) }, readWhole);
  }

  async getRange(key: string, from: number, until: number): Promise<Uint8Array | null> {
    const wanted = { Range: `bytes=${from}-${until - 1}` };
    const stored = await this.#read(key, wanted, readWhole);
    return stored === null || stored === 'unchanged' ? null : stored.bytes;
  }

  async put(key: string, bytes: Uint8Array, condition: WriteCondition): Promise<WriteResult> {
    const command = {
      ...{ Bucket: this.#options.bucket, Key: key, Body: bytes },
      // The store refuses other bytes than these, and says the digest again to every reader.
      ChecksumSHA256: createHash('sha256').update(bytes).digest('base64'),
      ...(condition === 'absent' ? { IfNoneMatch: '*' } : {}),
      ...(typeof condition === 'object' ? { IfMatch: condition.etag } : {}),
    };
    for (let attempt = 0; ; attempt++) {
      try {
        this.#tell('PutObject', key);
        const { ETag } = await this.#client.send(new PutObjectCommand(command));
        return { kind: 'written', etag: ETag ?? '' };
      } catch (error) {
        const { name, httpStatus } = readAnswer(error);
        const isBusy = httpStatus === 409;
        const waitMs = BUSY_WAITS_MS[attempt];
        if (isBusy && waitMs !== undefined) {
          await pause(waitMs * (0.5 + Math.random()));
          continue;
        }
        // Amazon answers 404 to If-Match where the key is gone.
        const isGone = typeof condition === 'object' && name === 'NoSuchKey';
        const isLost = httpStatus === 412 || isGone || (isBusy && condition !== 'none');
        if (isLost) return { kind: 'conflict' };
        throw this.#failure('PutObject', key, error);
      }
    }
  }

  async putFile(key: string, path: string): Promise<Sent> {
    const hash = createHash('sha256');
    let bytes = 0;
    const count = (part: Uint8Array) => {
      hash.update(part);
      bytes += part.length;
    };
    const parts = fileParts(path, PART_BYTES);
    const first = await parts.next();
    if (first.done === true) throw new Error(`${path} has no parts`);
    count(first.value);
    if (first.value.length < PART_BYTES) {
      await parts.return(undefined);
      await this.put(key, first.value, 'none');
    } else {
      await this.#putParts(key, first.value, parts, count);
    }
    return { sha256: hash.digest('hex'), bytes };
  }

  async getFile(key: string, path: string): Promise<Sent | null> {
    const whole = `${path}.${randomUUID()}`;
    try {
      const received = await this.#read(key, WHOLE, async (body) => {
        const hash = createHash('sha256');
        let bytes = 0;
        const count = async function* (chunks: AsyncIterable<Uint8Array>) {
          for await (const chunk of chunks) {
            hash.update(chunk);
            bytes += chunk.length;
            yield chunk;
          }
        };
        await pipeline(body, count, createWriteStream(whole));
        return { sha256: hash.digest('hex'), bytes };
      });
      if (received === null || received === 'unchanged') return null;
      await rename(whole, path);
      return received;
    } finally {
      await rm(whole, { force: true });
    }
  }

  async copy(fromKey: string, toKey: string): Promise<void> {
    const { bucket } = this.#options;
    const source = [bucket, ...fromKey.split('/')].map(encodeURIComponent).join('/');
    const command = new CopyObjectCommand({ Bucket: bucket, Key: toKey, CopySource: source });
    await this.#attempt('CopyObject', fromKey, () => this.#client.send(command));
  }

  async list(prefix: string): Promise<{ objects: readonly ListedObject[]; now: Date }> {
    const objects: ListedObject[] = [];
    let now = new Date(NaN);
    let token: string | undefined;
    do {
      const command = new ListObjectsV2Command({
        ...{ Bucket: this.#options.bucket, Prefix: prefix },
        ...(token === undefined ? {} : { ContinuationToken: token }),
      });
      command.middlewareStack.add(
        (next) => async (given) => {
          const result = await next(given);
          now = dateOf(result.response);
          return result;
        },
        { step: 'deserialize' },
      );
      const page = await this.#attempt('ListObjectsV2', prefix, () => this.#client.send(command));
      for (const { Key, Size, LastModified } of page.Contents ?? []) {
        if (Key === undefined || LastModified === undefined) continue;
        objects.push({ key: Key, bytes: Size ?? 0, modifiedAt: LastModified });
      }
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
    // SeaweedFS lists a folder before its neighbours: `a/b` before `a-b`.
    return { objects: objects.sort((one, other) => (one.key < other.key ? -1 : 1)), now };
  }

  async delete(key: string): Promise<void> {
    const command = new DeleteObjectCommand({ Bucket: this.#options.bucket, Key: key });
    await this.#attempt('DeleteObject', key, () => this.#client.send(command));
  }

  /** Closes its connections; calls after it open new ones. */
  close(): void {
    this.#client.destroy();
  }

  async #read<T>(
    key: string,
    wanted: Omit<GetObjectCommandInput, 'Bucket' | 'Key'>,
    consume: (body: Readable, etag: string) => Promise<T>,
  ): Promise<T | 'unchanged' | null> {
    const command: GetObjectCommandInput = {
      ...{ Bucket: this.#options.bucket, Key: key },
      ...wanted,
    };
    for (let attempt = 1; ; attempt++) {
      let hasBegun = false;
      try {
        this.#tell('GetObject', key);
        const { Body, ETag } = await this.#client.send(new GetObjectCommand(command));
        if (!(Body instanceof Readable)) throw new Error('an object came without a body');
        hasBegun = true;
        return await consume(Body, ETag ?? '');
      } catch (error) {
        const answer = readAnswer(error);
        if (answer.httpStatus === 304) return 'unchanged';
        if (answer.name === 'NoSuchKey') return null;
        const hasBroken = hasBegun && isNetworkFailure(answer);
        if (hasBroken && attempt < BODY_ATTEMPTS) continue;
        if (hasBegun && !hasBroken) throw error;
        throw this.#failure('GetObject', key, error);
      }
    }
  }

  async #putParts(
    key: string,
    first: Uint8Array,
    rest: AsyncIterable<Uint8Array>,
    count: (part: Uint8Array) => void,
  ): Promise<void> {
    const at = { Bucket: this.#options.bucket, Key: key };
    const begun = await this.#attempt('CreateMultipartUpload', key, () =>
      this.#client.send(new CreateMultipartUploadCommand(at)),
    );
    const upload = { ...at, UploadId: begun.UploadId };
    const sent: Promise<{ PartNumber: number; ETag: string | undefined }>[] = [];
    const send = async (body: Uint8Array) => {
      const PartNumber = sent.length + 1;
      const part = this.#attempt('UploadPart', key, async () => {
        const ContentMD5 = createHash('md5').update(body).digest('base64');
        const command = { ...upload, PartNumber, Body: body, ContentMD5 };
        const { ETag } = await this.#client.send(new UploadPartCommand(command));
        return { PartNumber, ETag };
      });
      // Awaited below; without this, a part that fails first would count as unhandled.
      part.catch(() => undefined);
      sent.push(part);
      await sent[sent.length - PARTS_AT_ONCE];
    };
    try {
      await send(first);
      for await (const part of rest) {
        count(part);
        await send(part);
      }
      const Parts = await Promise.all(sent);
      await this.#attempt('CompleteMultipartUpload', key, () =>
        this.#client.send(
          new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts } }),
        ),
      );
    } catch (error) {
      await Promise.allSettled(sent);
      // Best effort: the store's own rule for unfinished uploads sweeps what this cannot.
      await this.#client.send(new AbortMultipartUploadCommand(upload)).catch(() => undefined);
      throw error;
    }
  }

  async #attempt<T>(operation: string, key: string, send: () => Promise<T>): Promise<T> {
    this.#tell(operation, key);
    try {
      return await send();
    } catch (error) {
      throw this.#failure(operation, key, error);
    }
  }

  #tell(operation: string, key: string): void {
    this.#options.onCall?.(operation, key);
  }

  #failure(operation: string, key: string, error: unknown): Error {
    const { endpoint, region, bucket } = this.#options;
    const where = endpoint ?? `Amazon S3 in ${region}`;
    return storeFailure({ operation, endpoint: where, bucket, key }, error);
  }
}

async function readWhole(body: Readable, etag: string): Promise<StoredObject> {
  return { bytes: new Uint8Array(await buffer(body)), etag };
}

/** The `Date` header: the only place where S3 tells its clock. */
function dateOf(response: unknown): Date {
  if (typeof response !== 'object' || response === null) return new Date(NaN);
  const headers: unknown = Reflect.get(response, 'headers');
  if (typeof headers !== 'object' || headers === null) return new Date(NaN);
  return new Date(String(Reflect.get(headers, 'date')));
}
