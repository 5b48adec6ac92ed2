/** The known name at the smallest edit distance, if that is at most 3 and less than the name's length; else null. */
export function nearestName(name: string, known: readonly string[]): string | null {
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(name, candidate) }))
    .sort((left, right) => left.distance - right.distance);
  const best = ranked[0];
  return best && best.distance <= 3 && best.distance < name.length ? best.candidate : null;
}

/** Optimal string alignment distance: insertions, deletions, substitutions, and two neighbours that changed places. */
function editDistance(left: string, right: string): number {
  const first = Array.from({ length: right.length + 1 }, (_, index) => index);
  const rows = [first];
  for (let i = 1; i <= left.length; i += 1) {
    const above = rows[i - 1] ?? [];
    const row = [i];
    for (let j = 1; j <= right.length; j += 1) {
      const substitution = (above[j - 1] ?? 0) + (left[i - 1] === right[j - 1] ? 0 : 1);
      const swapped = left[i - 1] === right[j - 2] && left[i - 2] === right[j - 1];
      const swap = swapped ? (rows[i - 2]?.[j - 2] ?? Infinity) + 1 : Infinity;
      row.push(Math.min(substitution, (above[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, swap));
    }
    rows.push(row);
  }
  return rows[left.length]?.[right.length] ?? 0;
}
