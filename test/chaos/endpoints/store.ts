import { join } from 'node:path';
import { S3ObjectStore } from '../../../adapters/object-store/s3-object-store.js';
import { ObjectRegistry } from '../../../adapters/registry/object-registry.js';
import { startS3Server, type S3Server } from '../../../scripts/servers/s3-server.js';
import { startTcpProxy, type TcpProxy } from '../tcp-proxy.js';

/** A real S3 server at one address, which can be stopped and started again on its folder. */
export interface StoppableStore extends AsyncDisposable {
  readonly registry: ObjectRegistry;
  /** For processes that use it. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
  start(): Promise<void>;
}

/** Starts the server on a folder. */
export async function openStore(folder: string): Promise<StoppableStore> {
  const directory = join(folder, 's3');
  const bucket = 'switchyard-endpoints';
  let server = await startS3Server({ directory, bucket });
  const { accessKeyId, secretAccessKey, region } = server;
  const credentials = { accessKeyId, secretAccessKey };
  const proxy: TcpProxy = await startTcpProxy(portOf(server));
  const store = new S3ObjectStore({ bucket, region, endpoint: proxy.url, credentials });
  return {
    registry: new ObjectRegistry(store),
    environment: {
      S3_ENDPOINT: proxy.url,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      SWITCHYARD_BUCKET: bucket,
    },
    stop: () => server.stop(),
    start: async () => {
      server = await startS3Server({ directory, bucket, credentials });
      proxy.retarget(portOf(server));
    },
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]();
      await server.stop();
    },
  };
}

const portOf = ({ endpoint }: S3Server) => Number(new URL(endpoint).port);
