import { z } from 'zod';
import { recordedDecisionSchema } from '../domain/decision.js';
import { PortError } from '../domain/failures.js';
import { candidateSchema } from '../domain/lifecycle.js';
import { liveChangeSchema, liveWritten, type LiveChange } from '../domain/live-state.js';
import { digestSchema, durationSchema, nameSchema } from '../domain/names.js';
import type { LivePointer } from '../domain/ports/live-pointer.js';
import type { Notifier } from '../domain/ports/notifier.js';
import { keepingLast, type TrustSource } from '../domain/ports/trust.js';
import { approvalFaults, haveLapsed } from '../domain/served-proof.js';
import { verifyOrder } from '../domain/signing/order.js';
import { keysOf, leastOf, type Trust } from '../domain/signing/trust.js';
import { isVerified } from '../domain/signing/verify-statement.js';
import { awaitServing, type ServingPorts } from './await-serving.js';
import { defineActivity } from './define-activity.js';
import { withHeartbeats } from './heartbeats.js';

export interface DeployPorts extends ServingPorts {
  readonly livePointer: LivePointer;
  readonly notifier: Notifier;
  readonly trust: TrustSource;
}

const requestIdSchema = z.string().min(1).max(200);

const promoteInputSchema = z.strictObject({
  model: nameSchema,
  candidate: candidateSchema,
  evidence: digestSchema,
  decisions: z.array(recordedDecisionSchema),
  baseline: digestSchema.nullable(),
  requestId: requestIdSchema,
  /** The workflow to tell when a freeze that stopped it is over. */
  asker: z.string().min(1).max(1_000).optional(),
});

const undoInputSchema = z.strictObject({
  model: nameSchema,
  promoted: digestSchema,
  before: digestSchema.nullable(),
  /** The request id of the promotion's first try. */
  promotion: requestIdSchema,
  /** The promotion was asked for, and nobody heard what became of it. */
  unanswered: z.boolean().optional(),
  requestId: requestIdSchema,
});

const awaitInputSchema = z.strictObject({
  model: nameSchema,
  digest: digestSchema,
  generation: z.int().min(1),
  target: nameSchema,
  minReplicas: z.int().min(1),
  deadline: durationSchema,
});

const noticeSchema = z.strictObject({
  kind: z.enum([
    'hand-off',
    'reminder',
    'break-glass',
    'outcome',
    'fallback',
    'monitor',
    'follow-up',
  ]),
  model: nameSchema,
  workflowId: z.string().max(1_000),
  roles: z.array(nameSchema),
  text: z.string().max(4_000),
});

/** The way to live, and back. */
export function createDeployActivities(ports: DeployPorts) {
  const lastTrust = keepingLast(ports.trust); // nothing but the store may stop a fallback
  return {
    /** Asks `liveModel` to promote a version. Asking again with the same request id gives the first answer. */
    promoteVersion: defineActivity(promoteInputSchema, (input) => {
      const { version, digest, artifact } = input.candidate;
      const { evidence, decisions, baseline, asker } = input;
      const candidate = { version, digest, artifact, evidence, decisions };
      const change: LiveChange = { kind: 'promote', candidate, baseline, ...(asker && { asker }) };
      return withHeartbeats(() => ports.livePointer.ask(input.model, change, input.requestId));
    }),
    /** Puts back what was live before, if what this very promotion brought still is. */
    undoPromotion: defineActivity(undoInputSchema, ({ model, requestId, ...undone }) =>
      withHeartbeats(() =>
        ports.livePointer.ask(model, { kind: 'undo-promotion', ...undone }, requestId),
      ),
    ),
    /** Waits until the target serves the digest: for `endpoint`, enough replicas and all of them. Throws `ReplicasNotReady` at the deadline. */
    awaitServing: defineActivity(awaitInputSchema, (input) =>
      withHeartbeats(({ signal }) => awaitServing(ports, input, signal)),
    ),
    /** Writes `live.json`: `liveModel`'s one activity. A promotion's evidence and decisions are checked here again. */
    writeLive: defineActivity(
      z.strictObject({ model: nameSchema, change: liveChangeSchema, writeId: requestIdSchema }),
      ({ model, change, writeId }) =>
        withHeartbeats(async ({ signal }) => {
          if (change.kind === 'fallback') {
            const refusal = orderRefusal(await lastTrust.read(), model, change);
            if (refusal !== null) {
              const state = (await ports.registry.live(model))?.state ?? null;
              // one that was written, and whose answer was lost, has that answer
              if (state?.writeId !== writeId) throw refusal;
            }
          }
          if (change.kind === 'promote' && (await verifyPromotion(ports, model, change)).lapsed) {
            const state = (await ports.registry.live(model))?.state ?? null;
            // one that was written, and whose answer was lost, has that answer
            if (state?.writeId !== writeId) return liveWritten('lapsed', state);
          }
          return ports.registry.changeLive(model, change, writeId, signal);
        }),
    ),
    /** Tells people. */
    notify: defineActivity(noticeSchema, (notice) =>
      withHeartbeats(() => ports.notifier.notify(notice)),
    ),
  };
}

/** Why a fallback is not done: it is not signed and the trust file asks for that, or it is not signed by whom it says; null: it is. */
function orderRefusal(
  trust: Trust | null,
  model: string,
  { leaving, said, direct }: Extract<LiveChange, { kind: 'fallback' }>,
): PortError | null {
  if (trust === null) return null;
  const { by = 'nobody', reason = '', signature } = direct ?? said ?? {};
  if (signature === undefined && leastOf(trust, model).fallback === 'any') return null;
  const ordered = { order: 'fallback', target: leaving, role: null, by, reason } as const;
  const { environment } = trust;
  const given = { environment, keys: keysOf(trust), acceptedMs: Date.now() };
  const verified = verifyOrder({ ...ordered, signature }, given);
  if (isVerified(verified)) return null;
  return new PortError(
    'InvalidRequest',
    `the order to fall back "${model}" is not signed as it must be: ${verified.sentence}`,
    { details: { model, leaving, code: verified.code } },
  );
}

/**
 * The check at the point of effect: whoever reaches Temporal can ask for a promotion, so it rests on what the bucket holds. A key that
 * is retired by now counts no more, since only Temporal says when its signature was accepted.
 * @returns `lapsed` where approvals were enough and are not any more, so that people are asked again.
 * @throws PortError `EvidenceInvalid`.
 */
async function verifyPromotion(
  ports: Pick<DeployPorts, 'registry' | 'trust'>,
  model: string,
  { candidate, baseline }: Extract<LiveChange, { kind: 'promote' }>,
): Promise<{ readonly lapsed: boolean }> {
  const { registry } = ports;
  const refuse = (why: string) =>
    new PortError(
      'EvidenceInvalid',
      `version ${candidate.version} of "${model}" cannot go live: ${why}`,
      {
        details: { model, digest: candidate.digest, evidence: candidate.evidence },
      },
    );
  const registered = await registry.version(model, candidate.version);
  if (registered?.digest !== candidate.digest) throw refuse('that number has another digest');
  const evidence = await registry.evidence(model, candidate.digest, candidate.evidence);
  if (evidence === null) throw refuse(`there is no evidence ${candidate.evidence}`);
  if (evidence.manifest !== candidate.digest || evidence.artifact !== candidate.artifact) {
    throw refuse('its evidence is about another version or artifact');
  }
  if (evidence.baseline !== baseline) {
    throw refuse('its evidence compares it with another version than the one it would replace');
  }
  const given = { evidence, trust: await ports.trust.read(), effectiveMs: Date.now() };
  const [fault] = approvalFaults(candidate, given);
  if (haveLapsed(candidate, given)) return { lapsed: true };
  if (fault !== undefined) throw refuse(fault);
  const report = await registry.testReport(model, candidate.digest, evidence.testReport);
  if (report === null || report.verdict === 'failed') throw refuse('its gates did not pass');
  if (report.artifact !== candidate.artifact) {
    throw refuse(`its test report is about ${report.artifact}, not ${candidate.artifact}`);
  }
  return { lapsed: false };
}
