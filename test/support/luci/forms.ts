/** LuCI's form and uci, without what is drawn: which options there are, and what is loaded, checked and written. */
import type { UciConfig, UciValues } from './page.js';

type Values = UciValues & { readonly '.name': string; readonly '.type': string };

/** LuCI's uci: the configuration as it is, and as it will be. */
export class StandInUci {
  readonly #configs: Map<string, Map<string, Record<string, unknown>>>;

  constructor(uci: Readonly<Record<string, UciConfig>>) {
    this.#configs = new Map(
      Object.entries(uci).map(([config, sections]) => [
        config,
        new Map(
          Object.entries(sections).map(([name, { type, options }]) => [
            name,
            { '.name': name, '.type': type, ...options },
          ]),
        ),
      ]),
    );
  }

  load(): Promise<void> {
    return Promise.resolve();
  }

  sections(config: string, type: string): Values[] {
    const all = [...(this.#configs.get(config)?.values() ?? [])];
    return all.filter((section) => section['.type'] === type) as Values[];
  }

  get(config: string, name: string, option?: string): unknown {
    const section = this.#configs.get(config)?.get(name);
    return (option === undefined ? section : section?.[option]) ?? null;
  }

  add(config: string, type: string, name?: string | null): string {
    const sections = this.#configs.get(config);
    const made = name ?? `new${sections?.size}`;
    sections?.set(made, { '.name': made, '.type': type });
    return made;
  }

  set(config: string, name: string, option: string, value: unknown): void {
    const section = this.#configs.get(config)?.get(name);
    if (section === undefined) return;
    if (value === undefined || value === null || value === '') delete section[option];
    else section[option] = value;
  }
}

/** An option of a form, with the properties that a view gives it. */
class Option {
  readonly option: string;
  readonly section: Section;
  readonly title: string;
  enabled = '1';
  disabled = '0';
  default: string | undefined;
  rmempty = true;
  editable = false;

  constructor(section: Section, option: string, title: string) {
    this.section = section;
    this.option = option;
    this.title = title;
  }

  load(name: string): unknown {
    return this.section.map.uci.get(this.section.map.config, name, this.option);
  }

  cfgvalue(name: string): unknown {
    return this.load(name);
  }

  write(name: string, value: unknown): void {
    this.section.map.uci.set(this.section.map.config, name, this.option, value);
  }

  value(): void {}
}

class Section {
  readonly map: StandInMap;
  readonly sectiontype: string;
  readonly children: Option[] = [];
  /** What somebody has entered, by option. */
  readonly entered = new Map<string, string>();

  constructor(map: StandInMap, type: string) {
    this.map = map;
    this.sectiontype = type;
  }

  option(_type: unknown, name: string, title: string): Option {
    const option = new Option(this, name, title);
    this.children.push(option);
    return option;
  }

  tab(): void {}

  taboption(_tab: string, type: unknown, name: string, title: string): Option {
    return this.option(type, name, title);
  }

  formvalue(name: string, option: string): unknown {
    const known = this.children.find((each) => each.option === option);
    return this.entered.get(option) ?? known?.cfgvalue(name) ?? known?.default;
  }

  handleAdd(_event: unknown, name: string): void {
    this.map.uci.add(this.map.config, this.sectiontype, name);
  }

  renderSectionAdd(): unknown {
    return this.map.createElement('div');
  }

  super(name: 'renderSectionAdd'): unknown {
    return Section.prototype[name].call(this);
  }
}

/** LuCI's form.Map. */
export class StandInMap {
  readonly config: string;
  readonly uci: StandInUci;
  readonly readonly: boolean;
  readonly createElement: (tag: string) => unknown;
  readonly children: Section[] = [];
  #drawn = new Set<string>();

  constructor(config: string, uci: StandInUci, readonly: boolean, createElement: (tag: string) => unknown) {
    this.config = config;
    this.uci = uci;
    this.readonly = readonly;
    this.createElement = createElement;
  }

  section(_type: unknown, type: string): Section {
    const section = new Section(this, type);
    this.children.push(section);
    return section;
  }

  /** What is drawn: below each table what adds to it. */
  render(): unknown[] {
    this.#drawn = new Set(this.#names());
    return this.children.map((section) => section.renderSectionAdd());
  }

  /** LuCI writes what can be edited in the tables, and takes it away from sections that it has not drawn. */
  async save(between?: () => void): Promise<void> {
    for (const section of this.children) {
      for (const { '.name': name } of this.uci.sections(this.config, section.sectiontype)) {
        for (const option of section.children.filter(({ editable }) => editable)) {
          if (this.#drawn.has(name)) option.write(name, option.cfgvalue(name) ?? option.default);
          else this.uci.set(this.config, name, option.option, null);
        }
      }
    }
    between?.();
    this.#drawn = new Set(this.#names());
  }

  #names(): string[] {
    const types = this.children.map(({ sectiontype }) => sectiontype);
    return types.flatMap((type) => this.uci.sections(this.config, type).map((each) => each['.name']));
  }
}

/** LuCI's module form; a map is the one that `made` hears of. */
export function formModule(
  uci: StandInUci,
  readonly: boolean,
  createElement: (tag: string) => unknown,
  made: (map: StandInMap) => void,
): object {
  class PageMap extends StandInMap {
    constructor(config: string) {
      super(config, uci, readonly, createElement);
      made(this);
    }
  }
  return { Map: PageMap, GridSection: Section, Flag: {}, Value: {}, DynamicList: {}, ListValue: {} };
}
