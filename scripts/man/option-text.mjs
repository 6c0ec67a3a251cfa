// What a document says of an option: from its data in src/config/options.ts and its words in options.mjs.

/** @typedef {import('../../src/config/option.js').Option} Option */
/** @typedef {import('./options.mjs').OptionText} OptionText */

/** What may stand there and what it means. @param {Option} option @param {OptionText} words */
export function meaning({ kind }, { text, more }) {
  const parts = [kind.type === 'boolean' ? `boolean: ${text}` : text];
  if (kind.type === 'integer') {
    parts[0] += `, ${kind.least} to ${kind.most}`;
    if (kind.off) parts.push('0 or `off` is off');
  }
  if (more !== undefined) parts.push(more);
  return parts.join('; ');
}

/** What holds without it. @param {Option} option @param {OptionText} words */
export function preset({ preset: value, required }, { preset: words }) {
  if (required !== undefined) return 'required';
  if (words !== undefined) return words;
  if (value === undefined) throw new Error('an option without a value by default needs words for that');
  return `\`${typeof value === 'boolean' ? Number(value) : value}\``;
}

/**
 * The rows of a table: option, value, default.
 *
 * @param {Readonly<Record<string, Option>>} options
 * @param {Readonly<Record<string, OptionText>>} texts
 * @returns {[name: string, meaning: string, preset: string][]}
 */
export function optionRows(options, texts) {
  for (const name of Object.keys(texts))
    if (!(name in options)) throw new Error(`there is no option ${name}`);
  return Object.entries(options).map(([name, option]) => {
    const words = texts[name];
    if (words === undefined) throw new Error(`nothing is said of option ${name} in scripts/man/options.mjs`);
    return [name, meaning(option, words), preset(option, words)];
  });
}
