import { z } from 'zod';
import type { ShownDirect } from './direct-order.js';
import { instant, shownVersion } from './lifecycle-details.js';
import type { LiveChange, LiveWritten } from './live-state.js';
import { code, codeBlock, page, plain, table } from './markdown.js';
import { instantSchema, shortDigest } from './names.js';

const LONGEST = 16_000;
/** How many changes are remembered for people. */
export const NOTES_KEPT = 10;

/** A change of the live pointer as people are told of it. */
export const liveNoteSchema = z.strictObject({
  at: instantSchema,
  what: z.string().max(300),
  by: z.string().max(300),
  reason: z.string().max(300),
  answer: z.string().max(40),
  generation: z.int(),
});
export type LiveNote = z.infer<typeof liveNoteSchema>;

/** What a wish wants and who wants it, in words. */
export function noteOf(
  wish: LiveChange,
  said: { by: string; reason: string } | null,
): Pick<LiveNote, 'what' | 'by' | 'reason'> {
  const { what, by, reason } = { ...inWords(wish), ...said };
  return { what, by: by.slice(0, 300), reason: reason.slice(0, 300) };
}

/** What is told of a fallback that was ordered past the workflow. */
export function noteOfDirect({ at, leaving, by, reason, generation }: ShownDirect): LiveNote {
  return {
    ...{ at, generation, answer: 'fallen-back' },
    what: `fall back from ${shortDigest(leaving)}, written past this workflow`,
    ...{ by: by.slice(0, 300), reason: reason.slice(0, 300) },
  };
}

function inWords(wish: LiveChange): Pick<LiveNote, 'what' | 'by' | 'reason'> {
  switch (wish.kind) {
    case 'promote': {
      const { version, decisions } = wish.candidate;
      const by = decisions.map(({ by, role }) => `${by} (${role})`).join(', ');
      return { what: `promote version ${version}`, by, reason: '' };
    }
    case 'undo-promotion': {
      const what = `undo the promotion of ${shortDigest(wish.promoted)}`;
      return { what, by: 'its lifecycle', reason: '' };
    }
    case 'fallback':
      return { what: `fall back from ${shortDigest(wish.leaving)}`, by: '', reason: '' };
    case 'freeze':
    case 'thaw':
      return { what: wish.kind, by: wish.by, reason: wish.reason };
    case 'adopt':
      return { what: 'read live.json', by: '', reason: '' };
    default:
      return wish satisfies never;
  }
}

/** What serves of a model, as the page of its `liveModel` shows it, in Markdown. `known`: what the last write left. */
export function liveDetails(
  model: string,
  known: LiveWritten['picture'] | null,
  given: { generation: number; notes: readonly LiveNote[] },
): string {
  const { notes, generation } = given;
  return page(
    [
      heading(model, known, generation),
      known?.frozen
        ? `**Frozen** by ${plain(known.frozen.by)} at ${instant(known.frozen.at)}: ${plain(known.frozen.reason)}. Nothing is promoted until a thaw; a fallback still works.`
        : '',
      notes.length === 0 ? '' : `### Last changes\n\n${changes(notes)}`,
      '### What you can order here',
      ...orders(model, known),
    ],
    { longest: LONGEST, more: '*There is more: look into `live.json`.*' },
  );
}

function heading(model: string, known: LiveWritten['picture'] | null, generation: number): string {
  if (known === null) return `## ${model}\n\nNothing has changed since this workflow started.`;
  const { live, previous, withdrawn } = known;
  const serves = live === null ? 'nothing is live' : `version ${live.version} is live`;
  const rows = [
    ['digest', live === null ? '' : code(shortDigest(live.digest))],
    ['since', live === null ? '' : instant(live.since)],
    ['a fallback goes to', shownVersion(previous)],
    ['withdrawn', withdrawn.map((digest) => code(shortDigest(digest))).join(' ') || 'none'],
    ['generation', String(generation)],
  ];
  return `## ${model}: ${serves}\n\n${table(['live', live === null ? 'none' : `version ${live.version}`], rows)}`;
}

function orders(model: string, known: LiveWritten['picture'] | null): readonly string[] {
  const who = { by: '<who you are>', reason: '<why>' };
  const order = (update: string, command: string, input: object) =>
    [
      `**${update}**: update \`${update}\`, or type ${code(command)}`,
      codeBlock('json', JSON.stringify(input, null, 2)),
    ].join('\n\n');
  const leaving = known?.live?.digest;
  return [
    leaving === undefined
      ? ''
      : order('fallback', `npx switchyard fallback ${model} --reason 'why'`, {
          leaving,
          ...who,
        }),
    known?.frozen
      ? order('thaw', `npx switchyard thaw ${model} --reason 'why'`, who)
      : order('freeze', `npx switchyard freeze ${model} --reason 'why'`, who),
  ];
}

function changes(notes: readonly LiveNote[]): string {
  return notes
    .toReversed()
    .map(({ at, what, by, reason, answer, generation }) => {
      const who = by === '' ? '' : `, by ${plain(by, 200)}`;
      const why = reason === '' ? '' : `: ${plain(reason)}`;
      return `- ${instant(at)} ${plain(what)}${who}${why}: **${answer}**, generation ${generation}`;
    })
    .join('\n');
}
