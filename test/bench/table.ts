/** What the benches that compare programs on a real kernel print. */

/** Prints a line of a table. */
export function line(what: string, cells: readonly string[]): void {
  console.log(`${what.padEnd(26)}${cells.map((cell) => cell.padStart(22)).join('')}`.trimEnd());
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[sorted.length >> 1] ?? Number.NaN;
}
