// Completion for bash, zsh and fish. What is completed behind an option goes by the word that stands for its value in the help, and behind a
// command by its operands.

/** @typedef {import('../../src/cli/commands/command.js').DescribedCommand} Command */
/** @typedef {Pick<typeof import('../../src/cli/commands.js'), 'COMMANDS' | 'DAEMON_COMMAND'>} Commands */

/** The peers that may be asked for, as the daemon tells them. */
const PEERS = 'wgpeerselector peers --names 2>/dev/null';

const HEAD = 'completion for wgpeerselector, made by scripts/man.mjs from the table of its commands';

/** @param {Commands} tables @returns {[name: string, command: Command][]} */
function commandsOf({ COMMANDS }) {
  return Object.entries(COMMANDS).map(([name, { command }]) => [name, command]);
}

/** Options as they are written, with their values' names. @param {Command} command */
function optionsOf({ options }) {
  return Object.entries(options).map(([name, option]) => ({ name, ...option }));
}

/** @param {Command} command */
function flags(command) {
  return optionsOf(command)
    .flatMap(({ name, short }) => [...(short === undefined ? [] : [`-${short}`]), `--${name}`])
    .join(' ');
}

/** In single quotes for a shell. @param {string} text */
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** @param {Commands} tables */
export function bashCompletion(tables) {
  const all = commandsOf(tables);
  const names = all.map(([name]) => name).join(' ');
  /** Options by what their values are. @type {Map<string, Set<string>>} */
  const byValue = new Map();
  for (const command of [tables.DAEMON_COMMAND, ...all.map(([, command]) => command)]) {
    for (const { name, short, value } of optionsOf(command)) {
      if (value === undefined) continue;
      const known = byValue.get(value) ?? new Set();
      for (const flag of [...(short === undefined ? [] : [`-${short}`]), `--${name}`]) known.add(flag);
      byValue.set(value, known);
    }
  }
  /** @type {Readonly<Record<string, string>>} */
  const found = {
    NAME: 'words=$(command ls /sys/class/net 2>/dev/null)',
    GROUP: 'words=$(compgen -g)',
    DIR: 'files=-d',
    FILE: 'files=-f',
    PATH: 'files=-f',
  };
  const values = [...byValue].map(([value, known]) => `    ${[...known].join('|')}) ${found[value]} ;;`);
  const cases = all.map(([name, command]) => {
    const more =
      command.operands === 'PEER' ? ` $(${PEERS})` : command.operands === '[COMMAND]' ? ` ${names}` : '';
    const files = command.operands === 'FILE ...' ? '; [[ $current == -* ]] || files=-f' : '';
    return `        ${name}) words="${flags(command)}${more}"${files} ;;`;
  });
  return `# bash ${HEAD}
_wgpeerselector() {
  local current=\${COMP_WORDS[COMP_CWORD]} words='' files='' word
  COMPREPLY=()
  case \${COMP_WORDS[COMP_CWORD-1]} in
${values.join('\n')}
    *)
      case \${COMP_WORDS[1]} in
${cases.join('\n')}
        *) words="${flags(tables.DAEMON_COMMAND)}" ;;
      esac
      if ((COMP_CWORD == 1)); then words+=" ${names}"; fi
      ;;
  esac
  if [[ -n $files ]]; then
    compopt -o filenames 2>/dev/null
    while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen "$files" -- "$current")
    return
  fi
  # Not compgen -W, which would run what stands in a name.
  while read -r word; do
    if [[ $word == "$current"* ]]; then COMPREPLY+=("$word"); fi
  done < <(printf '%s\\n' "$words" | tr -s ' ' '\\n')
}
complete -F _wgpeerselector wgpeerselector
`;
}

/** @param {Commands} tables */
export function zshCompletion(tables) {
  /** @type {Readonly<Record<string, string>>} */
  const found = {
    NAME: '_net_interfaces',
    GROUP: '_groups',
    DIR: '_directories',
    FILE: '_files',
    PATH: '_files',
  };
  const text = (/** @type {string} */ words) => words.replaceAll(/[[\]:\\]/g, '\\$&');
  const specs = (/** @type {Command} */ command) =>
    optionsOf(command).map(({ name, short, value, text: words, multiple }) => {
      const tail = `[${text(words)}]${value === undefined ? '' : `:${value}:${found[value]}`}`;
      const long = `--${name}${value === undefined ? '' : '='}`;
      if (short === undefined) return quoted(`${multiple ? '*' : ''}${long}${tail}`);
      const letter = `-${short}${value === undefined ? '' : '+'}`;
      const first = multiple ? '*' : `(-${short} --${name})`;
      return `${quoted(first)}{${letter},${long}}${quoted(tail)}`;
    });
  const operand = (/** @type {Command} */ { operands }) =>
    operands === 'PEER'
      ? ["':peer:_wgpeerselector_peers'"]
      : operands === '[COMMAND]'
        ? ["':command:_wgpeerselector_commands'"]
        : operands === undefined
          ? []
          : operands === 'FILE ...'
            ? ["'*:file:_files'"]
            : ["'*:server:_hosts'"];
  const call = (/** @type {Command} */ command) =>
    ['_arguments -s', ...specs(command), ...operand(command)].join(' \\\n        ');
  const all = commandsOf(tables);
  return `#compdef wgpeerselector
# zsh ${HEAD}
_wgpeerselector_commands() {
  local -a commands=(
${all.map(([name, { summary }]) => `    ${quoted(`${name}:${text(summary)}`)}`).join('\n')}
  )
  _describe -t commands command commands
}

_wgpeerselector_peers() {
  local -a peers=(\${(f)"$(${PEERS})"})
  _describe -t peers peer peers
}

_wgpeerselector() {
  if (( CURRENT == 2 )) && [[ $words[2] != -* ]]; then
    _wgpeerselector_commands
    return
  fi
  if [[ $words[2] == -* ]]; then
    ${call(tables.DAEMON_COMMAND)}
    return
  fi
  shift words
  (( CURRENT-- ))
  case $words[1] in
${all.map(([name, command]) => `    ${name})\n      ${call(command)}\n      ;;`).join('\n')}
  esac
}

_wgpeerselector "$@"
`;
}

/** @param {Commands} tables */
export function fishCompletion(tables) {
  /** @type {Readonly<Record<string, string>>} */
  const found = {
    NAME: "-x -a '(command ls /sys/class/net 2>/dev/null)'",
    GROUP: "-x -a '(__fish_complete_groups)'",
    DIR: "-x -a '(__fish_complete_directories)'",
    FILE: '-r -F',
    PATH: '-r -F',
  };
  const all = commandsOf(tables);
  const names = all.map(([name]) => name).join(' ');
  const none = quoted(`not __fish_seen_subcommand_from ${names}`);
  const lines = (/** @type {string} */ condition, /** @type {Command} */ command) =>
    optionsOf(command).map(({ name, short, value, text }) =>
      [
        `complete -c wgpeerselector -n ${condition}`,
        ...(short === undefined ? [] : [`-s ${short}`]),
        `-l ${name}`,
        ...(value === undefined ? [] : [found[value]]),
        `-d ${quoted(text)}`,
      ].join(' '),
    );
  const operands = (/** @type {string} */ condition, /** @type {Command} */ command) => {
    const words =
      command.operands === 'PEER' ? `(${PEERS})` : command.operands === '[COMMAND]' ? names : undefined;
    if (command.operands === 'FILE ...') return [`complete -c wgpeerselector -n ${condition} -F`];
    return words === undefined ? [] : [`complete -c wgpeerselector -n ${condition} -a ${quoted(words)}`];
  };
  const parts = all.flatMap(([name, command]) => {
    const within = quoted(`__fish_seen_subcommand_from ${name}`);
    return [
      `complete -c wgpeerselector -n ${none} -a ${name} -d ${quoted(command.summary)}`,
      ...lines(within, command),
      ...operands(within, command),
    ];
  });
  return `# fish ${HEAD}
complete -c wgpeerselector -f
${[...lines(none, tables.DAEMON_COMMAND), ...parts].join('\n')}
`;
}
