import type { LifecycleRow } from '../../../client/lifecycles.js';
import { PortError } from '../../../domain/failures.js';
import { NAME_PATTERN } from '../../../domain/names.js';
import { nearestName } from '../../../domain/nearest-name.js';
import type { Session } from './session.js';

/** More runs than this are not named one by one. */
const NAMED = 5;
const LOOKED_AT = 50;

/**
 * The run that a word means: a workflow id, or a model's name where exactly one of its runs is open.
 * @param given - `ended`: where none is open, the newest one that has ended is meant.
 * @throws PortError `InvalidRequest` or `UnknownModel`, saying what to type instead.
 */
export async function findLifecycle(
  session: Session,
  word: string,
  given: { readonly ended: boolean },
): Promise<LifecycleRow> {
  if (NAME_PATTERN.test(word)) {
    const runs = await session.lifecycles.newest({ model: word, limit: LOOKED_AT });
    const open = runs.filter(({ end }) => end === 'open');
    if (open.length > 1) throw severalOpen(word, open);
    const [meant] = open.length === 1 || !given.ended ? open : runs;
    if (meant !== undefined) return meant;
    if (runs.length > 0) {
      throw new PortError(
        'InvalidRequest',
        `no run of "${word}" is open: type npx switchyard status ${word}, or npx switchyard start ${word}`,
      );
    }
  }
  const byId = await session.lifecycles.find(word);
  if (byId !== null) return byId;
  throw await unknown(session, word);
}

function severalOpen(model: string, open: readonly LifecycleRow[]): PortError {
  const ids = open.slice(0, NAMED).map(({ workflowId }) => workflowId);
  const more = open.length > NAMED ? ` and ${open.length - NAMED} more` : '';
  return new PortError(
    'InvalidRequest',
    `${open.length} runs of "${model}" are open, so name one of them: ${ids.join(', ')}${more}`,
    { details: { open: open.map(({ workflowId }) => workflowId) } },
  );
}

async function unknown(session: Session, word: string): Promise<PortError> {
  const runs = await session.lifecycles.newest({ limit: LOOKED_AT });
  const ids = runs.map(({ workflowId }) => workflowId);
  const models = [...new Set(runs.flatMap(({ model }) => model ?? []))].sort();
  const nearest = nearestName(word, [...models, ...ids]);
  const known =
    models.length === 0
      ? 'no run was started yet: type npx switchyard start <model>'
      : `runs of these models are known: ${models.join(', ')}; npx switchyard status lists them`;
  const hint = nearest === null ? known : `did you mean "${nearest}"?`;
  return new PortError('UnknownModel', `there is no run and no model "${word}"; ${hint}`);
}
