import { makeContinueAsNewFunc, type Workflow } from '@temporalio/workflow';

/**
 * Continues as new on the build that is active then, where workers are of builds; a plain continue-as-new would stay on the build
 * that the workflow began on. Without builds it is a plain one. Call it when every handler has finished.
 */
export function continueOnNewestBuild<F extends Workflow>(...args: Parameters<F>): Promise<never> {
  return makeContinueAsNewFunc<F>({ initialVersioningBehavior: 'AUTO_UPGRADE' })(...args);
}
