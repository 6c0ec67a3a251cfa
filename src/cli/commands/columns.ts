/** Rows as lines whose columns stand below each other. What colours a word takes no room. */
export function columns(rows: readonly (readonly string[])[], indent = ''): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [place, cell] of row.entries()) widths[place] = Math.max(widths[place] ?? 0, width(cell));
  }
  return rows
    .map((row) => {
      const cells = row.map((cell, place) => cell + ' '.repeat((widths[place] ?? 0) - width(cell)));
      return `${indent}${cells.join('  ').trimEnd()}\n`;
    })
    .join('');
}

function width(cell: string): number {
  // Without the colours that screen.ts puts around a word.
  const [first = '', ...rest] = cell.split('\x1b[');
  return [first, ...rest.map((part) => part.slice(part.indexOf('m') + 1))].join('').length;
}
