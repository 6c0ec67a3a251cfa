// The manual pages wgpeerselector(8) and wgpeerselector.conf(5).
import { readFile } from 'node:fs/promises';
import { root } from '../setup/paths.mjs';
import { optionRows } from './option-text.mjs';
import { interfaceTexts, peerTexts } from './options.mjs';
import { bold, entry, example, italic, page, plain, prose, section, sentence } from './roff.mjs';

/** @typedef {Awaited<ReturnType<typeof import('./load.mjs').loadTables>>} Tables */
/** @typedef {import('../../src/cli/commands/command.js').DescribedCommand} Command */
/** @typedef {{ date: Date, version: string }} Edition */

/** @param {Command} command */
function optionEntries({ options }) {
  return Object.entries(options)
    .map(([name, { short, value, text }]) => {
      const words = [...(short === undefined ? [] : [`-${short}`]), `--${name}`].map(bold).join(', ');
      return entry(value === undefined ? words : `${words} ${italic(value)}`, plain(sentence(text)));
    })
    .join('');
}

/** @param {string} text paragraphs */
function paragraphs(text) {
  return text
    .split('\n\n')
    .map((one) => `${plain(one)}\n`)
    .join('.PP\n');
}

/** @param {Command['examples']} examples */
function exampleEntries(examples) {
  return examples.map(([line, what]) => entry(bold(line), plain(sentence(what || 'its help')))).join('');
}

/** @param {Tables} tables @param {Edition} edition */
export function programPage({ commands: { COMMANDS, DAEMON_COMMAND }, exits: { exitTexts } }, edition) {
  const all = Object.entries(COMMANDS).map(([name, { command }]) => ({ name, command }));
  const synopsis = [
    `.B wgpeerselector\n\\-i ${italic('NAME')} [\\-i ${italic('NAME')} ...] [${italic('options')}]`,
    ...all.map(
      ({ name, command: { operands } }) =>
        `.br\n.B wgpeerselector ${plain(name)}\n[${italic('options')}]${operands === undefined ? '' : ` ${italic(operands)}`}`,
    ),
  ].join('\n');
  const commandParts = all.map(({ name, command }) => {
    const { operands, about, examples } = command;
    const title = `.SS ${plain([name, operands].filter(Boolean).join(' '))}\n`;
    const shown = examples.length === 0 ? '' : `.PP\nExamples:\n${exampleEntries(examples)}`;
    return title + paragraphs(about) + optionEntries(command) + shown;
  });
  const meanings = new Map();
  for (const { name, command } of [{ name: 'the daemon', command: DAEMON_COMMAND }, ...all]) {
    for (const [code, text] of exitTexts(command)) {
      const texts = meanings.get(code) ?? new Map();
      meanings.set(code, texts.set(text, [...(texts.get(text) ?? []), name]));
    }
  }
  const exits = [...meanings]
    .sort(([a], [b]) => a - b)
    .map(([code, texts]) => {
      const said = [...texts].map(([text, names]) =>
        texts.size === 1 ? text : `${text} (${names.join(', ')})`,
      );
      return entry(bold(String(code)), plain(sentence(said.join('; '))));
    });
  const summary = 'keeps a WireGuard interface connected to one of several peers';
  return page({ name: 'wgpeerselector', section: 8, summary, ...edition }, [
    section('SYNOPSIS', synopsis),
    section('DESCRIPTION', paragraphs(DAEMON_COMMAND.about)),
    section('OPTIONS', `These are the daemon's.\n${optionEntries(DAEMON_COMMAND)}`),
    section(
      'COMMANDS',
      `They ask the daemon on ubus, and where that is not, at its control socket, which answers root and the user of the daemon.\n${commandParts.join('')}`,
    ),
    section(
      'SIGNALS',
      [
        entry(
          bold('SIGHUP'),
          'The configuration is read again. A connection whose peer has not changed stays.',
        ),
        entry(`${bold('SIGTERM')}, ${bold('SIGINT')}`, 'Peer and routes are removed, and the daemon ends.'),
      ].join(''),
    ),
    section('EXIT STATUS', exits.join('')),
    section(
      'ENVIRONMENT',
      [
        entry(bold('NO_COLOR'), 'Where it is set, and not empty, nothing is coloured.'),
        entry(
          `${bold('NOTIFY_SOCKET')}, ${bold('WATCHDOG_USEC')}, ${bold('WATCHDOG_PID')}`,
          `Whom the daemon tells how it goes, and how often that it lives, see\n.BR systemd.service (5)\nand\n.BR sd_notify (3).`,
        ),
      ].join(''),
    ),
    section(
      'FILES',
      [
        entry(italic('/etc/config/wgpeerselector'), `The peers, see\n.BR wgpeerselector.conf (5).`),
        entry(
          italic('/etc/wgpeerselector/'),
          `The same for the service of systemd,\n.IR wgpeerselector@NAME.service ,\nwhich serves interface NAME as the user wgpeerselector.`,
        ),
        entry(italic('/etc/config/system'), "The NTP servers: list server of section 'ntp'."),
        entry(
          italic('@wgpeerselector-control/NAME'),
          'The control socket of the daemon that serves interface NAME: an abstract name in its network namespace. A line of JSON such as {"method":"info"} gets a line with the answer.',
        ),
      ].join(''),
    ),
    section('EXAMPLES', exampleEntries(DAEMON_COMMAND.examples)),
    section('SEE ALSO', '.BR wgpeerselector.conf (5),\n.BR systemd.service (5),\n.BR wg (8)'),
  ]);
}

/** @param {Tables} tables @param {Edition} edition */
export async function configPage({ options: { INTERFACE_OPTIONS, PEER_OPTIONS } }, edition) {
  const entries = (/** @type {[string, string, string][]} */ rows) =>
    rows
      .map(([name, meaning, preset]) => {
        const without = preset === 'required' ? 'Required.' : `Default: ${prose(preset)}.`;
        const told = sentence(meaning.replace('; see below', '')); // that is in docs/configuration.md
        return entry(bold(name), `${prose(told)} ${without}`);
      })
      .join('');
  const document = await readFile(`${root}/docs/configuration.md`, 'utf8');
  const shown = /\n((?: {4}.*\n|\n)+)/.exec(document)?.[1] ?? '';
  const summary = 'the peers of wgpeerselector';
  return page({ name: 'wgpeerselector.conf', section: 5, summary, ...edition }, [
    section(
      'DESCRIPTION',
      `The daemon\n.BR wgpeerselector (8)\nreads its peers, and how it is to treat an interface, from\n.IR /etc/config/wgpeerselector ,\na file in the format of OpenWrt's UCI. What is wrong in it is told by\n.BR "wgpeerselector check" .`,
    ),
    section("CONFIG PEER 'NAME'", `One for each peer.\n${entries(optionRows(PEER_OPTIONS, peerTexts))}`),
    section(
      "CONFIG INTERFACE 'NAME'",
      `Settings for an interface; all of them may be absent.\n${entries(optionRows(INTERFACE_OPTIONS, interfaceTexts))}`,
    ),
    section('EXAMPLE', example(shown.replaceAll(/^ {4}/gm, '').replaceAll('\t', '    ').trim())),
    section('SEE ALSO', '.BR wgpeerselector (8),\n.BR wg (8)'),
  ]);
}
