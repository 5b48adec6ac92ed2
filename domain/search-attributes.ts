/**
 * What workflows are found by, with Temporal's types. The development server, the tests' server and the worker's start-up
 * register these: an unregistered one would stall a workflow task for ever.
 */
export const SEARCH_ATTRIBUTES = {
  ModelName: 'Keyword',
  /** Of a lifecycle: where it is. */
  Stage: 'Keyword',
  /** Roles that are asked now, or `thaw`; `WaitingFor = "engineering"` finds each of several. */
  WaitingFor: 'KeywordList',
  /** Of the last test. */
  Verdict: 'Keyword',
} as const;

export type SearchAttributeName = keyof typeof SEARCH_ATTRIBUTES;
