import { S3Client } from '@aws-sdk/client-s3';

/** How to reach a bucket. What is left out comes from the SDK's usual places (`AWS_*`, profiles, roles). */
export interface S3ClientOptions {
  /** Default: Amazon's for the region. */
  readonly endpoint?: string;
  readonly region: string;
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
  /** How long a connection may take to open; default 3,000. */
  readonly connectMs?: number;
  /** How long a connection may be silent before the call is given up; default 15,000. */
  readonly silenceMs?: number;
  /** Attempts of one request in all; default 3. */
  readonly attempts?: number;
}

/** A client that works with Amazon S3 and with what calls itself compatible. */
export function createS3Client(options: S3ClientOptions): S3Client {
  // The SDK warns at every start on Node 20; the version is pinned, so the warning helps nobody.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  return new S3Client({
    region: options.region,
    maxAttempts: options.attempts ?? 3,
    // Compatible stores are often reached by an address, which takes no bucket in front of it.
    forcePathStyle: options.endpoint !== undefined,
    // Files are verified by sha256 against a manifest; the SDK's CRC trailers trip older stores.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: options.connectMs ?? 3000,
      socketTimeout: options.silenceMs ?? 15_000,
    },
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
  });
}
