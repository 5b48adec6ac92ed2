/** Why a decision is not taken, by name; each is counted. */
export const REFUSALS = [
  // of the desk
  ...(['closed', 'no-evidence', 'not-asked', 'stale', 'already', 'self', 'not-distinct'] as const),
  // of the statement itself
  ...(['unsigned', 'malformed', 'wrong-type', 'unknown-key', 'bad-signature'] as const),
  ...(['wrong-person', 'not-in-role', 'retired-key', 'compromised-key'] as const),
  ...(['expired', 'not-yet', 'too-long'] as const),
  // of what it is about
  ...(['wrong-environment', 'wrong-workflow', 'wrong-run', 'wrong-model'] as const),
  ...(['wrong-candidate', 'wrong-baseline', 'wrong-nonce', 'altered'] as const),
] as const;
export type RefusalCode = (typeof REFUSALS)[number];

export interface Refusal {
  readonly code: RefusalCode;
  /** What is wrong and what to do, in one sentence. */
  readonly sentence: string;
}

export function refusalBecause(code: RefusalCode, sentence: string): Refusal {
  return { code, sentence };
}
