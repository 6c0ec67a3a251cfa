// What the demo has printed, as it was recorded, and what of it the picture shows.

/**
 * @typedef {object} Line
 * @property {string} clock `12.3 s`; empty where a line goes on, or is a command
 * @property {number} at seconds since the demo began
 * @property {'title' | 'command' | 'log' | 'debug' | 'done'} kind
 * @property {string} text
 */

/** Parts of the story that are tables of other programs. */
const LEFT_OUT = /^(What the kernel holds|A ping through the tunnel)/;

/**
 * The lines for the picture, part by part: the story and the daemon's log, without what other programs print, and without what the
 * daemon says of ubus, which is not there.
 *
 * @param {string} text as `npm run demo` writes it into a file
 * @returns {Line[][]}
 */
export function storyOf(text) {
  /** @type {Line[][]} */
  const parts = [];
  let at = 0;
  let shown = false;
  for (const row of text.split('\n')) {
    const [, clock, said] = /^ *([\d.]+) s {2}(.*)$/.exec(row) ?? [];
    const words = said ?? row.slice(10);
    const log = words.startsWith('| ');
    if (clock === undefined && !log && !words.startsWith('$ wgpeerselector')) continue;
    const kind = kindOf(words);
    if (kind === 'title') parts.push([]);
    if (clock !== undefined || kind === 'command') shown = !/^\| \w+: ubusd? /.test(words);
    if (clock !== undefined) at = Number(clock);
    // What stands behind the command explains it to who sees no picture.
    const whole = kind === 'command' ? words.replace(/ {2,}.*/, '') : words;
    if (shown) parts.at(-1)?.push({ clock: clock === undefined ? '' : `${clock} s`, at, kind, text: whole });
  }
  // A line of the log that goes on is of the kind of its first.
  for (const part of parts)
    for (const [index, line] of part.entries())
      if (line.kind === 'log' && line.clock === '') line.kind = part[index - 1]?.kind ?? line.kind;
  return parts.filter(([title]) => !LEFT_OUT.test(title?.text ?? ''));
}

/** @param {string} words @returns {Line['kind']} */
function kindOf(words) {
  if (words.startsWith('$ ')) return 'command';
  if (words.startsWith('ok ')) return 'done';
  if (words.startsWith('| debug')) return 'debug';
  return words.startsWith('| ') ? 'log' : 'title';
}
