import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { SearchAttributeName } from '../domain/search-attributes.js';

const { KEYWORD, KEYWORD_LIST } = SearchAttributeType;

/** The typed keys of `SEARCH_ATTRIBUTES`. */
const KEYS = {
  ModelName: defineSearchAttributeKey('ModelName', KEYWORD),
  Stage: defineSearchAttributeKey('Stage', KEYWORD),
  WaitingFor: defineSearchAttributeKey('WaitingFor', KEYWORD_LIST),
  Verdict: defineSearchAttributeKey('Verdict', KEYWORD),
} as const satisfies Record<SearchAttributeName, unknown>;

/** What a run is found by; what is left out stays as it is, null or an empty list takes it away. */
export interface FoundBy {
  readonly ModelName?: string;
  readonly Stage?: string | null;
  readonly WaitingFor?: readonly string[];
  readonly Verdict?: string | null;
}

/**
 * Upserts the search attributes that differ from what the run has, in one event; none where nothing differs. Call it next to
 * other commands, before a wait, so that it costs no workflow task of its own.
 */
export function findBy(now: FoundBy): void {
  const { typedSearchAttributes: shown } = workflowInfo();
  const { ModelName, Stage, WaitingFor, Verdict } = now;
  const roles = WaitingFor === undefined || WaitingFor.length === 0 ? null : [...WaitingFor];
  const waits = shown.get(KEYS.WaitingFor) ?? null;
  const changed = [
    ...(ModelName !== undefined && ModelName !== shown.get(KEYS.ModelName)
      ? [{ key: KEYS.ModelName, value: ModelName }]
      : []),
    ...(Stage !== undefined && Stage !== (shown.get(KEYS.Stage) ?? null)
      ? [{ key: KEYS.Stage, value: Stage }]
      : []),
    ...(WaitingFor !== undefined && JSON.stringify(roles) !== JSON.stringify(waits)
      ? [{ key: KEYS.WaitingFor, value: roles }]
      : []),
    ...(Verdict !== undefined && Verdict !== (shown.get(KEYS.Verdict) ?? null)
      ? [{ key: KEYS.Verdict, value: Verdict }]
      : []),
  ];
  if (changed.length > 0) upsertSearchAttributes(changed);
}
