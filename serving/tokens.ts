import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { describeIssues } from '../domain/describe-issues.js';
import { PortError } from '../domain/failures.js';
import { digestSchema, nameSchema } from '../domain/names.js';
import { AnswerError } from './answer-error.js';
import type { Log } from './log.js';
import { repeat } from './repeat.js';

const tokensSchema = z.strictObject({
  schemaVersion: z.literal(1),
  tokens: z.array(
    z.strictObject({
      /** Whose it is, for people who read the file. */
      name: nameSchema,
      /** Of the token's UTF-8, in hex: the file holds no secret. */
      sha256: digestSchema,
      /** What may be asked with it; `*`: every model. */
      models: z.union([z.literal('*'), z.array(nameSchema).min(1)]),
      /** Whose rows come with it, whatever the request says. */
      customer: z.string().min(1).max(200).optional(),
    }),
  ),
});

/** Who asks, by their token. */
export type Caller = z.infer<typeof tokensSchema>['tokens'][number];

export interface Tokens {
  /** Whose a token is; null: nobody's. */
  callerOf(token: string): Caller | null;
  stop(): Promise<void>;
}

/** A token that was taken out of the file is void after so long. */
const READ_EVERY_MS = 5_000;

/**
 * The tokens of a file, which is read anew every 5 s; where it cannot be, the last one that could counts and the log says so.
 * @throws PortError `SetUpMissing` where it cannot be read at the start, or is wrong.
 */
export async function openTokens(file: string, log: Log): Promise<Tokens> {
  let callers = await readTokens(file);
  const reading = repeat(READ_EVERY_MS, async () => {
    try {
      callers = await readTokens(file);
    } catch (error) {
      log.error({ file, err: error }, 'the tokens cannot be read anew; the last ones count on');
    }
  });
  return {
    callerOf: (token) => callers.get(createHash('sha256').update(token).digest('hex')) ?? null,
    stop: () => reading.stop(),
  };
}

async function readTokens(file: string): Promise<ReadonlyMap<string, Caller>> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new PortError('SetUpMissing', `the tokens' file ${file} cannot be read: ${why}`, {
      cause,
    });
  }
  const parsed = tokensSchema.safeParse(value);
  if (!parsed.success) {
    const problems = describeIssues(tokensSchema, parsed.error).join('; ');
    throw new PortError('SetUpMissing', `the tokens' file ${file} is wrong: ${problems}`);
  }
  return new Map(parsed.data.tokens.map((caller) => [caller.sha256, caller]));
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Whose token the request has; null where none is asked for. */
    caller: Caller | null;
  }
}

/** Health is told to whoever asks: load balancers have no token. */
const OPEN = '/v2/health/';

/** Asks every request for a token of the model that it names; `null`: nobody is asked. */
export function addAuthorization(app: FastifyInstance, tokens: Tokens | null): void {
  app.decorateRequest('caller', null);
  if (tokens === null) return;
  app.addHook('onRequest', (request, reply, done) => {
    if (request.routeOptions.url?.startsWith(OPEN) === true) {
      done();
      return;
    }
    const refusal = authorize(request, tokens);
    if (refusal?.status === 401) void reply.header('www-authenticate', 'Bearer');
    done(refusal ?? undefined);
  });
}

function authorize(request: FastifyRequest, tokens: Tokens): AnswerError | null {
  const [, token] = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '') ?? [];
  const caller = token === undefined ? null : tokens.callerOf(token);
  if (caller === null) {
    const why = token === undefined ? 'there is no bearer token' : 'nobody has this token';
    return new AnswerError(401, 'Unauthorized', `${why}: Authorization: Bearer <token>`);
  }
  const model = modelOf(request.params);
  if (model !== null && !mayAsk(caller, model)) {
    return new AnswerError(403, 'Forbidden', `the token of "${caller.name}" is not for this model`);
  }
  request.caller = caller;
  return null;
}

export function mayAsk({ models }: Caller, model: string): boolean {
  return models === '*' || models.includes(model);
}

function modelOf(params: unknown): string | null {
  if (typeof params !== 'object' || params === null || !('model' in params)) return null;
  return typeof params.model === 'string' ? params.model : null;
}
