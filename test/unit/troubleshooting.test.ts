// docs/troubleshooting.md has a line for each message that a person can cause, and for none that the program cannot say: the
// document against the literals of the sources.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Node } from 'typescript/unstable/ast';
import { root } from '../support/documents.js';
import { holds, literalsIn, messagesIn, messagesOf, wordsOfNobody } from '../support/messages.js';
import { sourceFiles } from '../support/source-files.js';

/** Where no message of `check` or of the log comes from that a person can cause, with the reason; folders end in a slash. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'src/cli/commands.ts': 'help',
  'src/cli/commands/': 'help, and answers to who has asked',
  'src/cli/import/': 'notes about files of wg-quick, each with its own advice',
  'src/platform/errno-text.ts': 'what each error number means, in a line that says what was tried',
  'src/wg-quick/': 'read by import alone',
  'src/wording.ts': 'durations',
  'src/netlink/address.ts': 'the configuration takes no such address',
  'src/netlink/attribute-reader.ts': 'what a kernel sends',
  'src/netlink/attribute-writer.ts': 'what a program gives to a library',
  'src/netlink/device.ts': 'the command line and the configuration take no such name',
  'src/netlink/message.ts': 'what a kernel sends',
  'src/netlink/rtnetlink/interface-address.ts': 'what a kernel sends',
  'src/netlink/rtnetlink/link.ts': 'what a kernel sends',
  'src/netlink/rtnetlink/prefix.ts': 'what a kernel sends',
  'src/netlink/rtnetlink/route.ts': 'what a kernel sends, and what a program gives to a library',
  'src/netlink/rtnetlink/rule.ts': 'what a kernel sends, and what a program gives to a library',
  'src/netlink/wireguard/decode.ts': 'what a kernel sends',
  'src/netlink/wireguard/encode.ts': 'what a program gives to a library',
  'src/netlink/wireguard/keys.ts': 'the configuration takes no such key',
  'src/netlink/wireguard/sockaddr.ts': 'the configuration takes no such endpoint',
  'src/sntp/packet.ts': 'what a program gives to a library',
  'src/sntp/sync.ts': 'what a program gives to a library',
  'src/ubus/blob.ts': 'what a bus sends, and what a program gives to a library',
  'src/ubus/blobmsg.ts': 'what a bus sends, and what a program gives to a library',
  'src/ubus/dispatcher.ts': 'the daemon answers at once',
  'src/ubus/errors.ts': "words for ubus' own numbers",
  'src/ubus/invocation.ts': 'a handler that throws: a fault of the program',
  'src/ubus/listener.ts': 'the daemon listens for nothing',
  'src/ubus/lookup.ts': 'the daemon looks nothing up',
  'src/ubus/message.ts': 'what a bus sends',
  'src/ubus/policy.ts': 'the answer to who has called',
  'src/ubus/subscription.ts': 'the daemon subscribes to nothing',
  'src/ubus/ubus.ts': 'the daemon calls nothing',
};

/** Literals that look like messages, with what they are. */
const NO_MESSAGES: Readonly<Record<string, string>> = {
  '… table … metric …': 'a key of a map',
  '… days': 'part of a duration',
  "config … '…'\n…": 'a section of a file',
  '… years': 'part of a duration',
  'Secret …': 'how a secret shows itself to a debugger',
  'no servers': 'a kind of result',
  'not built': 'a kind of error',
  'not loadable': 'a kind of error',
  'out of range': 'a kind of error',
  'root distance': 'a rule by its name',
  'step back': 'a kind of decision',
  'step forward': 'a kind of decision',
  'generic netlink family … came without a number': 'what a kernel sends',
  'adding a nameless object': 'the daemon has none',
  'removing an object': 'the daemon removes none',
  'notifying the subscribers of …': 'of what is not sent, which ubusd reports',
  'a call without data': 'what a bus sends',
  '… has no method …': 'the answer to who has called',
  'onWarning itself threw: …; it was to hear: …': 'a fault of the program',
  'this program has closed its connection to the bus': 'when the daemon ends',
};

const files = sourceFiles();
const documented = messagesOf(readFileSync(`${root}docs/troubleshooting.md`, 'utf8'));
const isElsewhere = (name: string): boolean =>
  Object.keys(ELSEWHERE).some((place) => (place.endsWith('/') ? name.startsWith(place) : name === place));

/** The messages of a file without a line in the document. */
function untold(file: Node): string[] {
  return messagesIn(file).filter(
    (message) => NO_MESSAGES[message] === undefined && !documented.some((each) => holds(each, message)),
  );
}

test('each message that a person can cause has a line in docs/troubleshooting.md', () => {
  const without = [...files]
    .filter(([name]) => !isElsewhere(name))
    .flatMap(([name, file]) => untold(file).map((message) => `${name}: ${message}`));
  assert.deepEqual(without, []);
});

test('each line of docs/troubleshooting.md is of messages that there are', () => {
  assert.ok(documented.length > 300);
  const literals = [...files.values()].flatMap(literalsIn);
  const wrong = documented.flatMap((message) => {
    const words = wordsOfNobody(message, literals);
    return words.length === 0 ? [] : [`${message}: nobody says ${words.join(' ')}`];
  });
  assert.deepEqual(wrong, []);
});

test('what is said to be no message, or elsewhere, is there', () => {
  const messages = new Set([...files.values()].flatMap(messagesIn));
  const gone = [
    ...Object.keys(NO_MESSAGES).filter((message) => !messages.has(message)),
    ...Object.keys(ELSEWHERE).filter((place) => ![...files.keys()].some((name) => name.startsWith(place))),
  ];
  assert.deepEqual(gone, []);
});
