// The recorded demo as a picture: a terminal in which one line after the other lights up. Where nothing moves (no CSS animations, or a
// reader who does not want any) it is a still with all of them, and so it is at the end.
import { storyOf } from './recording.mjs';

/** Pixels; a column is as wide as in the widest of the fonts. */
const COLUMN = 7.9;
const ROW = 18;
const MARGIN = 16;
/** The columns of the demo, of which the first ten are the clock's. */
const COLUMNS = 80;
const TEXT_AT = 10;

/** Seconds that nothing happens are so many at most. */
const LONGEST_WAIT = 1.2;
/** Seconds to read a line before the next. */
const SHORTEST_WAIT = 0.25;

/** Without variables, which not every program that draws SVG knows. */
const STYLE = `
rect { fill: #f6f8fa; stroke: #d1d9e0; }
text { font: 13px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; white-space: pre; fill: #1f2328; }
.title { font-weight: bold; }
.clock, .debug { fill: #59636e; }
.done { fill: #116329; }
.command { fill: #0550ae; }
@media (prefers-color-scheme: dark) {
  rect { fill: #0d1117; stroke: #3d444d; }
  text { fill: #f0f6fc; }
  .clock, .debug { fill: #9198a1; }
  .done { fill: #3fb950; }
  .command { fill: #79c0ff; }
}
@media (prefers-reduced-motion: no-preference) {
  text { animation: come 0.2s both; }
}
@keyframes come { from { opacity: 0.35; } }
`;

/**
 * @param {string} recording what `npm run demo` has written
 * @returns {string} an SVG document
 */
export function pictureOf(recording) {
  const parts = storyOf(recording);
  const lines = parts.flatMap((part, index) => [...(index > 0 ? [undefined] : []), ...part]);
  const width = Math.ceil(COLUMNS * COLUMN + 2 * MARGIN);
  const height = lines.length * ROW + 2 * MARGIN;
  let time = 0;
  let before = 0;
  const rows = lines.map((line, index) => {
    if (line === undefined) return '';
    if (line.clock !== '' || line.kind === 'command') {
      time += Math.min(LONGEST_WAIT, Math.max(SHORTEST_WAIT, line.at - before));
      before = line.at;
    }
    const y = MARGIN + (index + 1) * ROW - 5;
    const clock =
      line.clock === ''
        ? ''
        : `<tspan class="clock" x="${column(8)}" text-anchor="end">${line.clock}</tspan>`;
    const text = `<tspan class="${line.kind}" x="${column(TEXT_AT)}">${escaped(line.text)}</tspan>`;
    return `<text y="${y}" style="animation-delay:${time.toFixed(2)}s">${clock}${text}</text>\n`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">
<title>npm run demo</title>
<desc>What the demo prints: the daemon connects, a gateway dies, another takes its place, and a restart keeps the connection.</desc>
<style>${STYLE}</style>
<rect x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="8"/>
${rows.join('')}</svg>
`;
}

/** @param {number} at */
function column(at) {
  return (MARGIN + at * COLUMN).toFixed(1);
}

/** @param {string} text */
function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
