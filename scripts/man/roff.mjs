// Manual pages in the language of man(7).

/** A text as it stands, whatever is in it. @param {string} text */
export function plain(text) {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll('…', '...')
    .replaceAll('’', "'")
    .replace(/^([.'])/gm, '\\&$1');
}

/** The same with what stands between backquotes in bold. @param {string} text */
export function prose(text) {
  return plain(text).replaceAll(/`([^`]*)`/g, '\\fB$1\\fR');
}

/** @param {string} text */
export function bold(text) {
  return `\\fB${plain(text)}\\fR`;
}

/** @param {string} text */
export function italic(text) {
  return `\\fI${plain(text)}\\fR`;
}

/** A sentence of a table, on its own: with a capital, and a stop. @param {string} text */
export function sentence(text) {
  const capital = /^[a-z][a-z ,']/.test(text) ? text[0]?.toUpperCase() + text.slice(1) : text;
  return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}

/** @param {string} title @param {string} body */
export function section(title, body) {
  return `.SH ${title}\n${body.trim()}\n`;
}

/** A term and what it is. @param {string} term roff already @param {string} body the same */
export function entry(term, body) {
  return `.TP\n${term}\n${body}\n`;
}

/** Lines as they are. @param {string} text */
export function example(text) {
  return `.RS 4\n.nf\n${plain(text.trimEnd())}\n.fi\n.RE\n`;
}

/** Text in lines of at most 80 bytes; requests, terms and examples stay as they are. @param {string} source */
function filled(source) {
  let literal = false;
  return source
    .split('\n')
    .flatMap((line) => {
      if (line === '.nf' || line === '.fi') literal = line === '.nf';
      return literal || /^[.\\]/.test(line) ? [line] : broken(line);
    })
    .join('\n');
}

/** None of the lines may begin with what makes it a request. @param {string} line */
function broken(line) {
  const lines = [''];
  for (const word of line.split(/ (?![.'])/)) {
    const before = lines.at(-1) ?? '';
    if (before !== '' && before.length + 1 + word.length > 80) lines.push(word);
    else lines[lines.length - 1] = before === '' ? word : `${before} ${word}`;
  }
  return lines;
}

/**
 * @param {{ name: string, section: number, summary: string, date: Date, version: string }} page
 * @param {string[]} sections
 */
export function page({ name, section: number, summary, date, version }, sections) {
  const day = date.toISOString().slice(0, 10);
  const title = number === 5 ? 'File Formats Manual' : "System Manager's Manual";
  return `.\\" Made by scripts/man.mjs from the tables that the program reads.
.TH ${name.toUpperCase()} ${number} "${day}" "wgpeerselector ${version}" "${title}"
${filled(section('NAME', `${plain(name)} \\- ${plain(summary)}`) + sections.join(''))}`;
}
