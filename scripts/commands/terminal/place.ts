import { PortError } from '../../../domain/failures.js';
import { nearestName } from '../../../domain/nearest-name.js';
import { readDevState, type DevState } from '../../servers/dev-state.js';

/** How to reach a bucket, as `S3ObjectStore` takes it. */
interface BucketPlace {
  readonly bucket: string;
  readonly region: string;
  readonly endpoint?: string;
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

/** The installation that a command talks to: all of it from the environment, or all of it what `npm run dev` runs here. */
export interface Place {
  /** Of the development servers; null: the standard environment says it, a profile of `temporal.toml` included. */
  readonly temporal: { readonly address: string; readonly namespace: string } | null;
  readonly namespace: string;
  /** The prefix of the workers' task queues. */
  readonly taskQueue: string;
  /** The name under which the workers' builds are known to Temporal. */
  readonly deployment: string;
  readonly uiUrl: string | null;
  readonly endpointUrl: string | null;
  readonly bucket: BucketPlace | null;
  /** The private key to sign with where none is named; null: there is none. */
  readonly keyFile: string | null;
  /** The models of the workers' configuration; null where only they know. */
  readonly models: readonly string[] | null;
}

type Variables = Readonly<Record<string, string | undefined>>;

/** Any of these means that the environment names the installation. */
const NAMING = [
  'TEMPORAL_ADDRESS',
  'TEMPORAL_PROFILE',
  'TEMPORAL_CONFIG_FILE',
  'SWITCHYARD_BUCKET',
];

/**
 * Finds the installation: the one that the environment names, else the one that runs in this folder, else the one of the default
 * profile of `temporal.toml`.
 * @throws PortError `SetUpMissing` where there is neither.
 */
export async function findPlace(
  variables: Variables = process.env,
  folder = process.cwd(),
): Promise<Place> {
  const dev = await readDevState(folder);
  if (NAMING.some((name) => given(variables, name) !== undefined)) {
    return environmentPlace(variables, dev);
  }
  if (dev !== null) return devPlace(variables, dev);
  // loaded only here, for it brings Temporal's client, which commands on the bucket do without
  const { configuredAddress } = await import('../../../client/connect.js');
  if (configuredAddress(variables) !== null) return environmentPlace(variables, null);
  throw new PortError(
    'SetUpMissing',
    'nothing runs in this folder: type npx switchyard dev in another terminal, or set TEMPORAL_ADDRESS and SWITCHYARD_BUCKET',
  );
}

function environmentPlace(variables: Variables, dev: DevState | null): Place {
  // the development servers may be named by their variables too: then their pages are known
  const own = dev?.temporal.address === given(variables, 'TEMPORAL_ADDRESS') ? dev : null;
  const endpoint = given(variables, 'S3_ENDPOINT');
  const bucket = given(variables, 'SWITCHYARD_BUCKET');
  const region = given(variables, 'AWS_REGION') ?? 'us-east-1';
  return {
    ...shared(variables, own),
    temporal: null,
    namespace: given(variables, 'TEMPORAL_NAMESPACE') ?? 'default',
    bucket:
      bucket === undefined
        ? null
        : { bucket, region, ...(endpoint === undefined ? {} : { endpoint }) },
  };
}

function devPlace(variables: Variables, dev: DevState): Place {
  const { address, namespace } = dev.temporal;
  const { bucket, region, endpoint, accessKeyId, secretAccessKey } = dev.s3;
  return {
    ...shared(variables, dev),
    temporal: { address, namespace },
    namespace,
    bucket: { bucket, region, endpoint, credentials: { accessKeyId, secretAccessKey } },
  };
}

function shared(variables: Variables, dev: DevState | null) {
  const uiUrl = given(variables, 'SWITCHYARD_UI_URL') ?? given(variables, 'TEMPORAL_UI_URL');
  const taskQueue = given(variables, 'SWITCHYARD_TASK_QUEUE') ?? 'switchyard';
  return {
    taskQueue,
    deployment: given(variables, 'SWITCHYARD_DEPLOYMENT') ?? taskQueue,
    uiUrl: (uiUrl ?? dev?.temporal.uiUrl)?.replace(/\/+$/, '') ?? null,
    keyFile: given(variables, 'SWITCHYARD_KEY') ?? dev?.key ?? null,
    models: dev?.models ?? null,
    endpointUrl: given(variables, 'SWITCHYARD_ENDPOINT_URL') ?? dev?.urls['endpoint'] ?? null,
  };
}

/** The trust file that the environment names; undefined: none. */
export function trustFile(variables: Variables = process.env): string | undefined {
  return given(variables, 'SWITCHYARD_TRUST_FILE');
}

function given(variables: Variables, name: string): string | undefined {
  const value = variables[name];
  return value === '' ? undefined : value;
}

/** The web UI's page of one workflow, or of all (`null`); null where no web UI is known. */
export function pageOf(
  { uiUrl, namespace }: Pick<Place, 'uiUrl' | 'namespace'>,
  workflowId: string | null,
): string | null {
  if (uiUrl === null) return null;
  const all = `${uiUrl}/namespaces/${namespace}/workflows`;
  return workflowId === null ? all : `${all}/${encodeURIComponent(workflowId)}`;
}

/** @throws PortError `UnknownModel` where the workers' configuration is known, and has no such model. */
export function requireModel({ models }: Place, model: string): void {
  if (models === null || models.includes(model)) return;
  const nearest = nearestName(model, models);
  const hint = nearest === null ? '' : `, did you mean "${nearest}"?`;
  throw new PortError(
    'UnknownModel',
    `there is no model "${model}"${hint} (there is ${models.join(', ')})`,
  );
}
