import type { Move } from '../../client/moves.js';
import { buildIdSchema } from '../../domain/names.js';
import { defineCommand } from './terminal/define-command.js';
import { inSession } from './terminal/session.js';
import { renderTable } from './terminal/table.js';
import { UsageError } from './terminal/usage-error.js';
import { typed } from './terminal/words.js';

/** `switchyard release <build>`: new runs go to a build, and what lives as long as a model moves there. */
export const runRelease = defineCommand({
  name: 'release',
  takes: '<build>',
  summary: 'new runs go to this build of the workers, and long-lived workflows move there',
  more: [
    'A build is what its workers have in SWITCHYARD_BUILD. Lifecycles that are open end on the build they began on.',
    'Typed again it moves what has not moved yet. An older build is released the same way, as long as its workers poll.',
  ],
  options: {},
  run: ({ words: [word = ''], terminal }) =>
    inSession(terminal, async (session) => {
      const { builds } = session;
      const parsed = buildIdSchema.safeParse(word);
      if (!parsed.success) throw new UsageError(`"${word}" is no build’s id`);
      const build = parsed.data;
      const before = await terminal.during(`releasing ${build}`, builds.activate(build));
      const moving = builds.moveOnto(build);
      const moves = await terminal.during('moving long-lived workflows', moving);
      const stuck = moves.filter(({ end }) => end === 'not-moved');
      return {
        lines: [
          before === build
            ? `new runs go to build ${build}, as before`
            : `new runs go to build ${build} now; ${before === null ? 'no build was released before' : `before, they went to ${before}`}`,
          ...(moves.length === 0 ? [] : renderTable(moves.map(cellsOf))),
        ],
        facts: { build, before, deployment: builds.deploymentName, moves },
        webUi: session.page(null),
        next: stuck.length === 0 ? [typed('builds')] : [typed('release', build), typed('builds')],
        exitCode: stuck.length === 0 ? 0 : 1,
      };
    }),
});

function cellsOf({ workflowId, from, end, reason }: Move): readonly string[] {
  switch (end) {
    case 'moved':
      return [workflowId, `moved, from ${from === null ? 'an unversioned worker' : from}`];
    case 'already-there':
      return [workflowId, 'is there already'];
    case 'not-moved':
      return [workflowId, `NOT moved: ${reason ?? ''}`];
    default:
      return end satisfies never;
  }
}
