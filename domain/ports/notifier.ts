/** Something that people should hear of. */
export interface Notice {
  readonly kind:
    'hand-off' | 'reminder' | 'break-glass' | 'outcome' | 'fallback' | 'monitor' | 'follow-up';
  readonly model: string;
  /** The workflow it is about. */
  readonly workflowId: string;
  /** Who should hear it; empty: everybody. */
  readonly roles: readonly string[];
  /** What happened and what to do next, in plain words. */
  readonly text: string;
}

/** Tells people; throws `NotificationFailed` (retryable), which never stops a lifecycle. */
export interface Notifier {
  notify(notice: Notice): Promise<void>;
}
