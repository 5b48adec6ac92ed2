import { z } from 'zod';
import { digestSchema, instantSchema, versionNumberSchema } from './names.js';

/** How many direct orders `live.json` remembers. */
export const DIRECT_REMEMBERED = 5;
/** Characters of an order's reason that travel in answers. */
const REASON_SHOWN = 300;

/** Who orders a fallback past `liveModel`, and why. */
export const directGivenSchema = z.strictObject({
  by: z.string().trim().min(1).max(200),
  reason: z.string().trim().min(1).max(2_000),
  /** The order, signed by whoever gives it (compact JWS); left out: nobody signed it. */
  signature: z.string().max(8_192).optional(),
});
export type DirectGiven = z.infer<typeof directGivenSchema>;

/** A fallback that was written to `live.json` past `liveModel`, which adopts it later. */
export const directOrderSchema = directGivenSchema.extend({
  at: instantSchema,
  leaving: digestSchema,
  /** The generation that it wrote. */
  generation: z.int().min(1),
  /** Always null: what is signed of it is in `made`, which older builds leave out. */
  signature: z.null(),
});
export type DirectOrder = z.infer<typeof directOrderSchema>;

/** The same as it travels in answers: the reason cut, with the number of the version that was left where it is known. */
export const shownDirectSchema = directOrderSchema
  .omit({ signature: true })
  .extend({ version: versionNumberSchema.nullable() });
export type ShownDirect = z.infer<typeof shownDirectSchema>;

/** The orders with this one, the oldest forgotten. */
export function withDirect(orders: readonly DirectOrder[], order: DirectOrder): DirectOrder[] {
  return [...orders, order].slice(-DIRECT_REMEMBERED);
}

/** An order as it travels in answers. */
export function shownDirect(order: DirectOrder, version: number | null): ShownDirect {
  const { by, reason, at, leaving, generation } = order;
  return { by, reason: reason.slice(0, REASON_SHOWN), at, leaving, generation, version };
}
