/**
 * Failures of a request on its way to the model, as the prediction log has them: who asked had gone (`ClientGone`), there was no place
 * (`Overloaded`), or it waited for longer than it may (`TimedOut`). A model that takes too long itself is a `RuntimeTimeout`.
 */
const ON_ITS_WAY: ReadonlySet<string> = new Set(['ClientGone', 'Overloaded', 'TimedOut']);

/** Whether a request failed before the model was asked, by no fault of its own rows. */
export function failedOnItsWay(error: string | null): boolean {
  return error !== null && ON_ITS_WAY.has(error);
}

/** Whether a failure says nothing about the model: on its way, or of a row that a predictor refused. */
export function neverReachedModel(error: string | null): boolean {
  return failedOnItsWay(error) || error === 'InvalidRow';
}
