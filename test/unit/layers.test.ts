// The lint rules that hold the layers (docs/architecture.md): each says no to what it is there for, and to nothing else.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../', import.meta.url));

/** What a file would say, and the layer that must not (`undefined`: it may). */
const cases: readonly (readonly [file: string, code: string, rule: RegExp | undefined])[] = [
  ...['netlink', 'netlink/rtnetlink', 'sntp', 'ubus', 'uci', 'wg-quick', 'names'].flatMap((folder) => {
    const up = folder.includes('/') ? '../../' : '../';
    const rule = /imports nothing of its neighbours/;
    return [
      [`src/${folder}/neighbour.ts`, `import { a } from '${up}config/index.js';\na();`, rule],
      [`src/${folder}/above.ts`, `export { VERSION } from '${up}version.js';`, rule],
      [
        `src/${folder}/platform.ts`,
        "import { readFile } from '#platform/files.js';\nreadFile('');",
        undefined,
      ],
      [`src/${folder}/node.ts`, "import { a } from 'node:fs';\na();", /import '#platform/],
      [`src/${folder}/within.ts`, `import { a } from './a.js';\na(['../../native/a.node']);`, undefined],
    ] as const;
  }),
  ['src/netlink/wireguard/within.ts', "import { a } from '../errors.js';\na();", undefined],
  ['src/netlink/type.ts', "export type A = typeof import('../sntp/index.js');", /neighbours/],
  ['src/netlink/dynamic.ts', "export const a = import('../sntp/index.js');", /neighbours/],
  ['src/config/above.ts', "export { VERSION } from '../version.js';", undefined],
  ['src/selector/above.ts', "export { VERSION } from '../version.js';", undefined],
  ['src/check/names.ts', "import { a } from '../names/system-resolver.js';\na();", undefined],
  ['src/check/deep.ts', "import { a } from '../netlink/message.js';\na();", /what it checks/],
  ['src/config/uci.ts', "import { a } from '../uci/uci.js';\na();", undefined],
  ['src/config/netlink.ts', "import { a } from '../netlink/index.js';\na();", /imports src\/uci alone/],
  ['src/selector/type.ts', "import type { A } from '../config/index.js';\nexport type B = A;", undefined],
  ['src/selector/value.ts', "import { a } from '../config/index.js';\na();", /nothing but types/],
  ['src/selector/deep.ts', "import type { A } from '../config/peer.js';\nexport type B = A;", /nothing but/],
  ['src/selector/netlink.ts', "import type { A } from '../netlink/index.js';\nexport type B = A;", /nothing/],
  ['src/check/netlink.ts', "import { a } from '../netlink/index.js';\na();", undefined],
  ['src/check/wording.ts', "import { a } from '../wording.js';\na();", undefined],
  ['src/check/daemon.ts', "import { a } from '../daemon/log.js';\na();", /what it checks/],
  ['src/daemon/selector.ts', "import { a } from '../selector/selector.js';\na();", undefined],
  ['src/daemon/cli.ts', "import { a } from '../cli/exit.js';\na();", /command line/],
  ['src/daemon/check.ts', "import { a } from '../check/check.js';\na();", /command line/],
  ['src/cli/daemon.ts', "import { a } from '../daemon/daemon.js';\na();", undefined],
  ['src/cli/host.ts', "import { a } from '../platform/node/files.js';\na();", /import '#platform/],
  ['src/wording2.ts', "import { a } from './platform/files.js';\na();", /import '#platform/],
  [
    'src/platform/node/files.ts',
    "import { a } from 'node:fs';\nimport { b } from '../files.js';\na(b);",
    undefined,
  ],
  ['src/platform/shared.ts', "import { a } from 'node:fs';\na();", /for the other host too/],
  ['src/platform/quickjs/files.ts', "import { a } from 'node:fs';\na();", /for the other host too/],
  ['src/platform/node/up.ts', "import { a } from '../../netlink/index.js';\na();", /what stands on it/],
  ['src/platform/up.ts', "import { a } from '../config/index.js';\na();", /what stands on it/],
  ['src/platform/node/program.ts', "import { a } from 'node:child_process';\na();", /starts no program/],
  ['src/daemon/program.ts', 'export const a = process.execve;', /starts no program/],
];

test('an import across the layers is an error, one along them is none', async () => {
  const folder = await mkdtemp(`${tmpdir()}/wgps-layers-`);
  try {
    await cp(`${root}biome.json`, `${folder}/biome.json`);
    await cp(`${root}scripts/lint`, `${folder}/scripts/lint`, { recursive: true });

    for (const [file, code] of cases) {
      await mkdir(dirname(`${folder}/${file}`), { recursive: true });
      await writeFile(`${folder}/${file}`, `${code}\n`);
    }
    const { stdout, stderr } = spawnSync(
      `${root}node_modules/.bin/biome`,
      ['lint', '--vcs-enabled=false', '--reporter=json', '--max-diagnostics=none', 'src'],
      { cwd: folder, encoding: 'utf8', env: { ...process.env, XDG_CACHE_HOME: folder } }, // it makes itself a folder there
    );
    const { diagnostics } = JSON.parse(stdout) as {
      diagnostics: { message: string; location: { path: string } }[];
    };
    assert.equal(new Set(cases.map(([file]) => file)).size, cases.length);
    for (const [file, code, rule] of cases) {
      const messages = diagnostics
        .filter(({ location }) => location.path === file)
        .map(({ message }) => message);
      if (rule === undefined) assert.deepEqual(messages, [], `${file}: ${code}\n${stderr}`);
      else assert.ok(messages.length === 1 && rule.test(messages[0] ?? ''), `${file}: ${code}\n${messages}`);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});
