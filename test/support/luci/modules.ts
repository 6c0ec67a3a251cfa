/** LuCI's modules: how one is loaded, and what each has of LuCI's own. */
import { createContext, runInContext } from 'node:vm';
import { LUCI_PACKAGES, type LuciModule, modulesOf, requiredBy } from './sources.js';

const OURS = new Map(LUCI_PACKAGES.flatMap(modulesOf).map((each): [string, LuciModule] => [each.name, each]));

/** In LuCI's words: %s, %d, %h, %%, and %m for bytes, with 1024 and one digit. */
function format(pattern: string, values: readonly unknown[]): string {
  let next = 0;
  return pattern.replaceAll(/%(%|s|d|h|1024\.1m)/g, (_, kind: string) => {
    if (kind === '%') return '%';
    const value = values[next++];
    if (kind === 'd') return String(Math.floor(Number(value)));
    return kind.endsWith('m') ? bytes(Number(value)) : String(value);
  });
}

function bytes(value: number): string {
  const units = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];
  let at = 0;
  for (; value > 1024 && at < units.length - 1; at++) value /= 1024;
  return at === 0 ? `${value} ` : `${value.toFixed(1)} ${units[at]}`;
}

/** What a module may see besides what it requires. */
export interface Globals {
  readonly window: object;
  readonly document: object;
  readonly L: object;
  readonly E: unknown;
}

/** Loads modules of ours into a world of their own, whose String has LuCI's format(). */
export class Modules {
  readonly #known: Map<string, unknown>;
  readonly #context: object;
  readonly #globals: Globals;

  /**
   * @param own LuCI's own modules, by name
   * @param more globals of a browser
   * @param translate what _() gives
   */
  constructor(
    own: Readonly<Record<string, unknown>>,
    globals: Globals,
    more: object,
    translate: (text: string) => string,
  ) {
    this.#known = new Map(Object.entries({ ...own, baseclass: { extend: (members: object) => members } }));
    this.#globals = globals;
    this.#context = createContext({
      ...more,
      ...globals,
      TextEncoder,
      console,
      _: translate,
      luciFormat: format,
    });
    const formats =
      'String.prototype.format = function(...values) { return luciFormat(String(this), values) }';
    runInContext(formats, this.#context);
  }

  require(name: string): unknown {
    if (!this.#known.has(name)) this.#known.set(name, this.#load(name));
    return this.#known.get(name);
  }

  #load(name: string): unknown {
    const known = OURS.get(name);
    if (known === undefined) throw new Error(`there is no module ${name}`);
    const { file, source } = known;
    const required = requiredBy(source).map(({ as, module }) => ({ as, module: this.require(module) }));
    const { window, document, L, E } = this.#globals;
    const names = ['window', 'document', 'L', 'E', ...required.map(({ as }) => as)];
    const factory: (...values: readonly unknown[]) => unknown = runInContext(
      `(function(${names.join(', ')}) { ${source} })`,
      this.#context,
      { filename: file },
    );
    return factory(window, document, L, E, ...required.map(({ module }) => module));
  }
}
