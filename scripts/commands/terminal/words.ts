/** A command to type, with each argument quoted where a shell would take it apart. */
export function typed(...parts: readonly string[]): string {
  return ['npx', 'switchyard', ...parts.map(quoted)].join(' ');
}

function quoted(part: string): string {
  const isPlain = /^[\w@%+=:,./-]+$/.test(part) || /^<[a-z -]+>$/.test(part); // `<model>` stands for what is to be filled in
  return isPlain ? part : `'${part.replaceAll("'", `'\\''`)}'`;
}

const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
];

/** How long ago something was, in its largest unit: `3 min`, `2 d`. */
export function age(at: Date, now: Date): string {
  const seconds = Math.max(0, Math.round((now.getTime() - at.getTime()) / 1_000));
  const [unit, size] = UNITS.find(([, each]) => seconds >= each) ?? ['s', 1];
  return `${Math.floor(seconds / size)} ${unit}`;
}

/** A size in the unit that people read. */
export function size(bytes: number): string {
  if (bytes >= 1e6) return `${(bytes / 1e6).toFixed(2)} MB`;
  return bytes >= 1e3 ? `${(bytes / 1e3).toFixed(1)} KB` : `${bytes} bytes`;
}
