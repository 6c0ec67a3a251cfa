// LuCI's pages are linted with the rules of the rest. LuCI makes a function of each file, which returns what the file gives; Biome
// takes no file that returns, and so sees what LuCI makes of it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { root } from '../support/documents.js';
import { LUCI_PACKAGES, modulesOf, requiredBy } from '../support/luci/sources.js';

const CONFIGURATION = {
  root: true,
  formatter: { enabled: false },
  assist: { enabled: false },
  javascript: { globals: ['E', 'L', '_'] },
  linter: {
    rules: {
      preset: 'recommended',
      // Methods are functions in LuCI; and for xgettext, which looks for what is translated, a / ends a regular expression in [] too.
      complexity: { useArrowFunction: 'off', noUselessEscapeInRegex: 'off' },
      correctness: {
        noUndeclaredVariables: 'error',
        noUnusedFunctionParameters: 'error',
        noUnusedVariables: 'error',
      },
      style: { useConst: 'error', useTemplate: 'off' },
    },
  },
};

/** What LuCI makes of a file, with its lines where they were. */
function wrapped(source: string): string {
  const names = requiredBy(source).map(({ as }) => as);
  return source.replace("'use strict';", `export function factory(${names.join(', ')}) {`).concat('}\n');
}

/** What Biome says of sources. */
function lint(sources: Readonly<Record<string, string>>): {
  readonly status: number | null;
  readonly said: string;
} {
  const folder = mkdtempSync(join(tmpdir(), 'luci-lint-'));
  try {
    writeFileSync(`${folder}/biome.json`, JSON.stringify(CONFIGURATION));
    for (const [name, source] of Object.entries(sources))
      writeFileSync(`${folder}/${name}.js`, wrapped(source));
    const { status, stdout, stderr } = spawnSync(
      `${root}node_modules/.bin/biome`,
      ['lint', '--colors=off', '--error-on-warnings', '--max-diagnostics=50', folder],
      { cwd: folder, encoding: 'utf8', env: { ...process.env, XDG_CACHE_HOME: folder } },
    );
    return { status, said: `${stdout}${stderr}` };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("nothing is to be said of LuCI's pages", () => {
  const sources = Object.fromEntries(
    LUCI_PACKAGES.flatMap(modulesOf).map(({ name, source }) => [name, source]),
  );
  const { status, said } = lint(sources);
  assert.equal(status, 0, said);
  assert.match(said, new RegExp(`Checked ${Object.keys(sources).length + 1} files`));
});

test('what is required and not used is told, and what is used and not required', () => {
  const { status, said } = lint({
    one: "'use strict';\n'require dom';\n'require ui';\nconst a = 1;\nreturn ui.extend({ b: uci.get(1) });\n",
  });
  assert.notEqual(status, 0);
  assert.match(said, /one\.js:1:\d+ lint\/correctness\/noUnusedFunctionParameters[\s\S]*dom is unused/);
  assert.match(said, /one\.js:4:\d+ lint\/correctness\/noUnusedVariables/);
  assert.match(said, /one\.js:5:\d+ lint\/correctness\/noUndeclaredVariables[\s\S]*uci variable/);
});
