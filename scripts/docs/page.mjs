// A library as a page of Markdown, and what is wrong with its docstrings.

/** @typedef {import('./library.mjs').Library} Library */
/** @typedef {import('./library.mjs').Entry} Entry */

/** @type {readonly [Entry['kind'][], string][]} */
const CHAPTERS = [
  [['class'], 'Classes'],
  [['function'], 'Functions'],
  [['interface', 'type'], 'Types'],
  [['constant'], 'Constants'],
];

/**
 * The page, and what is wrong: a name, method or constructor without a docstring, a link to what the library does not export.
 *
 * @param {Library} library
 * @param {string} tour the document that tells how it is used, relative to the page
 * @returns {{ text: string, faults: string[] }}
 */
export function pageOf({ name, doc, entries }, tour) {
  /** @type {string[]} */
  const faults = [];
  const names = new Set(entries.map((entry) => entry.name));
  /**
   * @param {string} text
   * @param {string} where
   * @param {Entry} [entry]
   */
  const linked = (text, where, entry) =>
    text.replaceAll(/\{@link\s+([\w.#]+)(?:\s+([^}]*))?\}/g, (_, target, words) => {
      const [first, member] = target.split(/[.#]/);
      const owner = names.has(first) ? entries.find((one) => one.name === first) : entry;
      const wanted = names.has(first) ? member : first;
      if (owner === undefined || !(wanted === undefined || owner.members.some((one) => one.name === wanted)))
        faults.push(`${where}: {@link ${target}} leads nowhere`);
      return `[${words ?? `\`${target}\``}](#${anchor(owner?.name ?? first)})`;
    });
  /** @param {Entry} entry */
  const section = (entry) => {
    if (entry.doc === '') faults.push(`${entry.name} has no docstring`);
    const parts = [
      `### ${entry.name}`,
      fenced(entry.declaration),
      text(linked(entry.doc, entry.name, entry)),
    ];
    const members = entry.members.map((member) => {
      const where = `${entry.name}.${member.name}`;
      if (member.doc === '' && member.callable) faults.push(`${where} has no docstring`);
      const words = text(linked(member.doc, where, entry)).replaceAll(/\n(?=.)/g, '\n  ');
      // What begins with a tag is a list of its own.
      const between = words === '' ? '' : words.startsWith('- ') ? '\n  ' : ': ';
      return `- \`${member.signature}\`${between}${words}`;
    });
    if (members.length > 0) parts.push(members.join('\n'));
    return parts.filter((part) => part !== '').join('\n\n');
  };
  const parts = [
    `# ${name}: reference`,
    `Made of the docstrings by \`npm run docs\`. How it is used, with examples: [${tour.replace(/^[./]+|#.*/g, '')}](${tour}).`,
    text(linked(doc, name)),
  ];
  for (const [kinds, title] of CHAPTERS) {
    const some = entries.filter(({ kind }) => kinds.includes(kind));
    if (some.length > 0) parts.push(`## ${title}`, ...some.map(section));
  }
  return { text: `${parts.filter((part) => part !== '').join('\n\n')}\n`, faults };
}

/** As GitHub and npm make it of a heading. @param {string} name */
function anchor(name) {
  return name.toLowerCase();
}

/** @param {string} code */
function fenced(code) {
  return `\`\`\`ts\n${code}\n\`\`\``;
}

/** A docstring as Markdown: its tags are a list. @param {string} doc */
function text(doc) {
  const [words = '', ...tags] = doc.split(/^@(?=\w)|(?<=\s)@(?=(?:param|returns|throws)\b)/m);
  const items = tags.map((tag) => {
    const [, kind = '', rest = ''] = /^(\w+)\s*(.*)$/s.exec(tag.trim()) ?? [];
    const one = rest.replaceAll(/\s*\n\s*/g, ' ').trim();
    if (kind === 'param') return one.replace(/^\S+/, (name) => `- \`${name}\`:`);
    if (kind === 'throws') return `- throws ${one.replace(/^\{(\S+)\}/, '`$1`:')}`;
    return `- ${kind} ${one}`;
  });
  return [words.trim(), items.join('\n')].filter((part) => part !== '').join('\n\n');
}
