// Draws docs/demo.svg, the picture in README, of docs/demo.txt, which is what the demo has printed:
//
//   npm run -s demo >docs/demo.txt && npm run picture
import { readFile, writeFile } from 'node:fs/promises';
import { pictureOf } from './picture/svg.mjs';
import { parseArguments } from './setup/arguments.mjs';
import { root } from './setup/paths.mjs';

parseArguments({ options: {} });
await writeFile(`${root}/docs/demo.svg`, pictureOf(await readFile(`${root}/docs/demo.txt`, 'utf8')));
process.stdout.write('docs/demo.svg\n');
