// One description of a column from which both its TypeScript type and the check against the live schema come,
// so that a table is written down once.
import type { ColumnType } from 'kysely';

/** Name of the type in `pg_type` (`udt_name`): the same on PGlite and on Postgres. */
export type SqlType =
  | 'text'
  | 'citext'
  | 'uuid'
  | 'int4'
  | 'int8'
  | 'float8'
  | 'bool'
  | 'timestamptz'
  | 'jsonb'
  | 'bytea'
  | 'xid8'
  | '_text'
  | 'vector';

/** Who fills the column: the insert must, the database may (`default`), only the database can (`always`). */
export type Filled = 'insert' | 'default' | 'always';

/** @typeParam S as selected @typeParam I as inserted @typeParam U as updated */
export interface Column<S, I, U> {
  readonly type: SqlType;
  readonly nullable: boolean;
  readonly filled: Filled;
  /** Never present: carries the types. */
  readonly types?: ColumnType<S, I, U>;
}

export type Columns = Readonly<Record<string, Column<unknown, unknown, unknown>>>;

/** The kysely table that a description stands for. */
export type TableOf<C> = { [K in keyof C]: C[K] extends Column<infer S, infer I, infer U> ? ColumnType<S, I, U> : never };

declare const jsonBrand: unique symbol;

/**
 * Text that is JSON. jsonb columns are written with it alone: a driver given an object or a string guesses, and the two drivers guess
 * differently (pg makes an array a Postgres array; a string would be encoded twice or not at all).
 */
export type JsonText = string & { readonly [jsonBrand]: true };

/** The value as a parameter for a jsonb column; `undefined` becomes null. */
export function toJson(value: unknown): JsonText {
  return (JSON.stringify(value) ?? 'null') as JsonText;
}

export function text<T extends string = string>(): Column<T, T, T> {
  return column('text');
}
export function uuid(): Column<string, string, string> {
  return column('uuid');
}
export function integer(): Column<number, number, number> {
  return column('int4');
}
/** A number in JavaScript; beyond 2^53 is not used (identities, micro-USD, bytes). */
export function bigint(): Column<number, number, number> {
  return column('int8');
}
export function double(): Column<number, number, number> {
  return column('float8');
}
export function boolean(): Column<boolean, boolean, boolean> {
  return column('bool');
}
export function timestamp(): Column<Date, Date, Date> {
  return column('timestamptz');
}
export function json<T = unknown>(): Column<T, JsonText, JsonText> {
  return column('jsonb');
}
/**
 * JSON kept as the text it came as: jsonb sorts members, drops doubles, and refuses U+0000 and lone surrogates, which callers may send.
 */
export function jsonText(): Column<string, JsonText, JsonText> {
  return column('text');
}
/** The transaction that wrote the row; compared in SQL only. */
export function transactionId(): Column<string, never, never> {
  return { type: 'xid8', nullable: false, filled: 'default' };
}
/** `bigint GENERATED ALWAYS AS IDENTITY`. */
export function identity(): Column<number, never, never> {
  return { type: 'int8', nullable: false, filled: 'always' };
}

export function nullable<S, I, U>(of: Column<S, I, U>): Column<S | null, I | null, U | null> {
  return { type: of.type, nullable: true, filled: of.filled };
}

/** Has a DEFAULT, and may therefore be left out of an insert. */
export function defaulted<S, I, U>(of: Column<S, I, U>): Column<S, I | undefined, U> {
  return { type: of.type, nullable: of.nullable, filled: 'default' };
}

function column<S, I, U>(type: SqlType): Column<S, I, U> {
  return { type, nullable: false, filled: 'insert' };
}
