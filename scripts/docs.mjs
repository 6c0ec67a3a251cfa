// Writes the reference of the libraries, docs/api, of their docstrings. What is wrong with one of these is told, and nothing is written.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { reference } from './docs/reference.mjs';
import { parseArguments } from './setup/arguments.mjs';
import { root } from './setup/paths.mjs';

parseArguments({ options: {} });
const { pages, faults } = reference();
if (faults.length > 0) {
  process.stderr.write(`${faults.join('\n')}\n`);
  process.exitCode = 1;
} else {
  for (const [path, text] of pages) {
    await mkdir(dirname(`${root}/${path}`), { recursive: true });
    await writeFile(`${root}/${path}`, text);
    process.stdout.write(`${path}\n`);
  }
}
