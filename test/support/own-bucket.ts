import { randomUUID } from 'node:crypto';
import { CreateBucketCommand } from '@aws-sdk/client-s3';
import { createS3Client } from '../../adapters/object-store/s3-client.js';
import { S3ObjectStore } from '../../adapters/object-store/s3-object-store.js';
import { testServers } from '../../testing/servers.js';

/** A bucket that no other test writes to, for what looks at a whole bucket; it goes with the server's data. */
export async function ownBucket(): Promise<{
  readonly name: string;
  readonly store: S3ObjectStore;
  /** For processes that use it. */
  readonly environment: Readonly<Record<string, string>>;
}> {
  const { s3 } = await testServers();
  const { endpoint, region, accessKeyId, secretAccessKey } = s3;
  const credentials = { accessKeyId, secretAccessKey };
  const name = `own-${randomUUID().slice(0, 8)}`;
  const client = createS3Client({ endpoint, region, credentials });
  await client.send(new CreateBucketCommand({ Bucket: name }));
  client.destroy();
  return {
    name,
    store: new S3ObjectStore({ bucket: name, endpoint, region, credentials }),
    environment: {
      S3_ENDPOINT: endpoint,
      AWS_REGION: region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      SWITCHYARD_BUCKET: name,
    },
  };
}
