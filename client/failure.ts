import { ApplicationFailure } from '@temporalio/common';
import {
  isGrpcServiceError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { FAILURES, PortError, type FailureType } from '../domain/failures.js';

/** gRPC's UNAVAILABLE and DEADLINE_EXCEEDED. */
const UNREACHABLE_CODES: readonly number[] = [14, 4];

/** What a call to Temporal ended in, as the domain's failure where it is one; any other error as it is. */
export function fromTemporal(error: unknown): unknown {
  if (error instanceof WorkflowUpdateFailedError || error instanceof WorkflowFailedError) {
    return fromFailure(error.cause) ?? error;
  }
  if (error instanceof WorkflowNotFoundError) {
    return new PortError(
      'InvalidRequest',
      `workflow "${error.workflowId}" is not open: it has ended, or it was never started`,
      { cause: error },
    );
  }
  if (isGrpcServiceError(error) && UNREACHABLE_CODES.includes(error.code)) {
    return new PortError(
      'TemporalUnreachable',
      `the Temporal server does not answer: ${error.details}`,
      {
        cause: error,
      },
    );
  }
  return error;
}

function fromFailure(cause: unknown): PortError | null {
  for (let each = cause; each instanceof Error; each = each.cause) {
    if (each instanceof ApplicationFailure) {
      const type = isFailureType(each.type) ? each.type : 'InvalidRequest';
      return new PortError(type, each.message, { cause: each, details: { type: each.type } });
    }
  }
  return null;
}

function isFailureType(type: string | null | undefined): type is FailureType {
  return typeof type === 'string' && Object.hasOwn(FAILURES, type);
}
