/** The commands of a guide, in order: what its blocks below `<!-- terminal: N -->` say. */
export interface GuideCommand {
  readonly terminal: string;
  readonly command: string;
  /** The guide says to type it again until it says this. */
  readonly again: string | null;
}

export function guideCommands(guide: string): readonly GuideCommand[] {
  const blocks = guide.matchAll(/<!-- terminal: (\d+) -->\n\n```sh\n(.*?)```/gs);
  return [...blocks].flatMap(([, terminal = '', lines = '']) =>
    lines
      .trimEnd()
      .split('\n')
      .map((line) => {
        const [command = '', about = ''] = line.split(/\s+#\s/);
        const again = /^again, until it says (\w+)$/.exec(about)?.[1] ?? null;
        return { terminal, command, again };
      }),
  );
}
