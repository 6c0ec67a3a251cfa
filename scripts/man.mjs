// Writes the manual pages, wgpeerselector(8) and wgpeerselector.conf(5), into dist/man, and completion for bash, zsh and fish into
// dist/completion. All of it is made of the tables that the program itself reads (scripts/man), so none of it can be wrong.
//
//   npm run man [-- --output DIR]   another folder than dist
//
// SOURCE_DATE_EPOCH (seconds), where set, is the date of the pages; otherwise it is the commit's.
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { manuals } from './man/manuals.mjs';
import { parseArguments } from './setup/arguments.mjs';
import { root } from './setup/paths.mjs';

const { values } = parseArguments({ options: { output: { type: 'string' } } });
const folder = resolve(values.output ?? `${root}/dist`);
for (const [path, text] of await manuals()) {
  const output = `${folder}/${path}`;
  await mkdir(dirname(output), { recursive: true });
  await writeFile(output, text);
  process.stdout.write(`${relative(process.cwd(), output)}\n`);
}
