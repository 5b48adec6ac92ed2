/** What a target says of a version. */
export interface Serving {
  readonly serves: boolean;
  /** One sentence for people: who serves it, or what is served instead and why. */
  readonly note: string;
}

/**
 * Where a model serves beside the endpoint: an app, a table, another cluster. It follows `live.json` by itself (it pulls), so
 * that a fallback reaches it too; this port only answers whether it serves a version yet.
 */
export interface Target {
  /**
   * Asked about once a second until it serves or `deploy.deadline` has passed.
   * @param given - `generation` is that of `live.json` after the promotion.
   * Throws where it cannot be asked; the activity is then tried again.
   */
  serving(given: { model: string; digest: string; generation: number }): Promise<Serving>;
}
