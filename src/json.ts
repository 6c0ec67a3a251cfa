/** A value that JSON can hold, and what it is written from: a table as a map keeps its order, and a bigint all its digits. */
export type JsonInput =
  | null
  | undefined
  | boolean
  | number
  | bigint
  | string
  | readonly JsonInput[]
  | JsonTable;
/** A table of such values. */
export type JsonTable = { readonly [name: string]: JsonInput } | ReadonlyMap<string, JsonInput>;

/** Writes JSON on one line. What is undefined is left out of tables, and `null` in lists. */
export function toJson(value: JsonInput): string {
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  if (Array.isArray(value)) return `[${value.map(toJson).join()}]`;
  const entries = value instanceof Map ? [...value] : Object.entries(value);
  const fields = entries
    .filter(([, one]) => one !== undefined)
    .map(([name, one]) => `${JSON.stringify(name)}:${toJson(one)}`);
  return `{${fields.join()}}`;
}
