import { bytesOf, cutRows } from '../../domain/tensor-rows.js';
import type { Piece } from './waiting-request.js';

/**
 * A batch without the row that is larger than all others of it together, and that row alone; null where it has none. A document of a
 * hundred megabytes among a thousand mails is found at once, and says nothing about how many mails fit.
 */
export function withoutOddRow(batch: readonly Piece[]): readonly [Piece[], Piece[]] | null {
  let total = 0;
  let most = 0;
  let odd: Piece | null = null;
  for (const piece of batch) {
    for (let row = piece.from; row < piece.to; row += 1) {
      const bytes = bytesOf(
        piece.request.asked.inputs.map((input) => cutRows(input, row, row + 1)),
      );
      total += bytes;
      if (bytes <= most) continue;
      most = bytes;
      odd = { request: piece.request, from: row, to: row + 1 };
    }
  }
  if (odd === null || 2 * most <= total) return null;
  const { request, from, to } = odd;
  const others = batch.flatMap((piece) => {
    const isAround = piece.request === request && piece.from <= from && to <= piece.to;
    if (!isAround) return [piece];
    const parts = [
      { request, from: piece.from, to: from },
      { request, from: to, to: piece.to },
    ];
    return parts.filter((part) => part.to > part.from);
  });
  return others.length === 0 ? null : [others, [odd]];
}
