// What a rule may ask of one value of the payload.
import { z } from 'zod';

const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);

/** Operators, all of which must hold; a bare value means `eq`, a list `in`. */
export const conditionSchema = z.union([
  scalar,
  z.array(scalar).max(100),
  z.strictObject({
    eq: scalar.optional(),
    in: z.array(scalar).max(100).optional(),
    /** `*` within one part of a path, `**` over several. */
    glob: z.string().optional(),
    /** Of the whole text; linear time: no look-around, no back references. */
    regex: z.string().optional(),
    lt: z.number().optional(),
    gt: z.number().optional(),
    /** Whatever is not there never matches, but `exists: false`. */
    exists: z.boolean().optional(),
  }),
]);

export type Condition = z.output<typeof conditionSchema>;
export type Scalar = z.output<typeof scalar>;
/** The operators of one condition. */
export type Test = Extract<Condition, { exists?: unknown }>;
