import { z } from 'zod';

/** The variables that say where the registry's bucket is; part of every process's environment. */
export const s3EnvironmentSchema = z.object({
  SWITCHYARD_BUCKET: z.string().min(1),
  S3_ENDPOINT: z.url().optional(),
  AWS_REGION: z.string().default('us-east-1'),
});

/** Where the bucket is; credentials are read by AWS's own library. */
export interface S3Environment {
  readonly bucket: string;
  readonly endpoint: string | undefined;
  readonly region: string;
}

/** The parsed variables in our words, as `S3ObjectStore` takes them. */
export function s3EnvironmentOf(read: z.output<typeof s3EnvironmentSchema>): S3Environment {
  return { bucket: read.SWITCHYARD_BUCKET, endpoint: read.S3_ENDPOINT, region: read.AWS_REGION };
}
