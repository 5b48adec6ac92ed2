import { liveWorkflowId } from '../../../workflows/messages.js';
import { PortError } from '../../../domain/failures.js';
import { nearestName } from '../../../domain/nearest-name.js';
import { requireModel } from './place.js';
import type { Session } from './session.js';
import { typed } from './words.js';

/**
 * An order to `liveModel` starts that workflow where it does not run, so the model's name is checked before.
 * @throws PortError `UnknownModel` where no configuration, run or live pointer knows the model.
 */
export async function requireKnownModel(session: Session, model: string): Promise<void> {
  const { place, lifecycles } = session;
  if (place.models?.includes(model) === true) return;
  if ((await lifecycles.find(liveWorkflowId(model))) !== null) return;
  requireModel(place, model);
  const known = await lifecycles.models();
  if (known.includes(model)) return;
  const nearest = nearestName(model, known);
  const hint =
    nearest === null ? `${typed('status')} lists what runs` : `did you mean "${nearest}"?`;
  throw new PortError('UnknownModel', `there is no model "${model}"; ${hint}`);
}
