#!/usr/bin/env node
// Runs a command in a virtual machine whose kernel has WireGuard and whose files are this machine's:
//   node scripts/vm/run.mjs [--timeout SECONDS] [--env NAME=VALUE]… [--terminal] [[--] COMMAND [ARGUMENT…]]
// Without a command: a shell on this terminal (control and ] together end it whatever happens).
import { parseBeforeCommand } from '../setup/arguments.mjs';
import { runInVm } from './command.mjs';

const { values, command } = parseBeforeCommand({
  timeout: { type: 'string' },
  env: { type: 'string', multiple: true },
  terminal: { type: 'boolean' },
});
const env = Object.fromEntries(
  (values.env ?? []).map((pair) => {
    const at = pair.indexOf('=');
    return [pair.slice(0, at), pair.slice(at + 1)];
  }),
);
try {
  const { status } = await runInVm(command.length === 0 ? ['bash'] : command, {
    env,
    terminal: values.terminal === true || command.length === 0,
    ...(values.timeout === undefined ? {} : { timeout: Number(values.timeout) }),
  });
  process.exitCode = status;
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 125;
}
