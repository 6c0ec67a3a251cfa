/** A stand-in for LuCI's runtime: as much of it as the pages of ours use. Nothing holds it to LuCI itself. */
import assert from 'node:assert/strict';
import { createElement, DomNode } from './dom.js';
import { formModule, type StandInMap, StandInUci } from './forms.js';
import { Modules } from './modules.js';
import type { OpenPage, Page, Router, UbusAnswer } from './page.js';

interface Declaration {
  readonly object: string;
  readonly method: string;
  readonly params?: readonly string[];
  readonly reject?: boolean;
}

/** LuCI's words for a status of ubus: for those that tests have. */
function statusText(status: number): string {
  return (
    { 6: 'Permission denied', 7: 'Request timeout', 9: 'Unspecified error' }[status] ?? 'Unknown error code'
  );
}

/**
 * LuCI's rpc, with uhttpd behind it. Without `reject` an answer is the table, also that of a call that failed, or the status where there
 * is none; an object that is not there is an error in any case.
 */
function rpcModule(router: Router): object {
  const declare = ({ object, method, params = [], reject = false }: Declaration) => {
    return async (...values: readonly unknown[]): Promise<unknown> => {
      const args = Object.fromEntries(params.map((name, at) => [name, values[at]]));
      const failed = (why: string) =>
        new Error(`RPC call to ${object}/${method} ${JSON.stringify(args)} failed with ${why}`);
      if (!router.objects().includes(object)) throw failed('error -32000: Object not found');
      const [status, table]: UbusAnswer = await router.call(object, method, args);
      if (reject && status !== 0) throw failed(`ubus code ${status}: ${statusText(status)}`);
      return table ?? status;
    };
  };
  const list = async (pattern: string): Promise<object> => {
    const start = pattern.replace(/\*$/, '');
    return Object.fromEntries(
      router
        .objects()
        .filter((one) => one.startsWith(start))
        .map((one) => [one, {}]),
    );
  };
  return { declare, list, getStatusText: statusText };
}

/** A page, all of whose parts are in this process. */
class StandIn implements Page {
  readonly #view = new DomNode('body');
  readonly #modal = new DomNode('body');
  readonly #notes = new DomNode('body');
  readonly #polled: (() => unknown)[] = [];
  readonly #modules: Modules;
  readonly #saved: Promise<void>[] = [];
  #map: StandInMap | undefined;

  constructor(router: Router, translate: (text: string) => string) {
    const uci = new StandInUci(router.uci);
    const L = {
      hasViewPermission: () => router.readonly !== true,
      isObject: (value: unknown) => typeof value === 'object' && value !== null,
      resolveDefault: async (value: Promise<unknown>, preset: unknown) => value.catch(() => preset),
      toArray: (value: unknown) =>
        value === null ? [] : Array.isArray(value) ? value : String(value).trim().split(/\s+/),
    };
    const own = {
      view: { extend: (members: object) => members },
      network: { registerProtocol: (_name: string, members: object) => members },
      dom: { content: (node: DomNode, content: unknown) => node.replaceWith(createElement([content])) },
      form: formModule(uci, router.readonly ?? false, createElement, (map) => this.#take(map)),
      poll: { add: (each: () => unknown) => this.#polled.push(each) },
      rpc: rpcModule(router),
      uci,
      ui: this.#ui(),
    };
    const globals = { window: new DomNode('window'), document: this.#view, L, E: createElement };
    this.#modules = new Modules(own, globals, { FileReader: StandInReader, Error }, translate);
  }

  #take(map: StandInMap): void {
    this.#map = map;
    const save = map.save.bind(map);
    map.save = (between) => {
      const saved = save(between);
      this.#saved.push(saved);
      return saved;
    };
  }

  #ui(): object {
    class Combobox {
      readonly #value: string;
      constructor(value: string) {
        this.#value = value;
      }
      getValue = (): string => this.#value;
      render = (): DomNode => createElement('select');
    }
    return {
      Combobox,
      addNotification: (_title: unknown, node: DomNode) => this.#notes.append(node),
      createHandlerFn: (self: unknown, call: (...args: readonly unknown[]) => unknown) => call.bind(self),
      showModal: (title: string, nodes: readonly DomNode[]) =>
        this.#modal.replaceWith([createElement('h4', {}, title), ...nodes]),
      hideModal: () => this.#modal.replaceWith([]),
    };
  }

  async open(view: string): Promise<void> {
    const { load, render } = this.#modules.require(`view.${view.replaceAll('/', '.')}`) as {
      load(): Promise<unknown>;
      render(loaded: unknown): Promise<unknown>;
    };
    const self = this.#modules.require(`view.${view.replaceAll('/', '.')}`);
    this.#view.replaceWith(createElement([await render.call(self, await load.call(self))]));
  }

  #find(selector: string): DomNode[] {
    const found = [this.#modal, this.#notes, this.#view].flatMap((part) => part.find(selector));
    return found.filter(({ visible }) => visible);
  }

  async sees(text: string): Promise<void> {
    const all = [this.#modal, this.#notes, this.#view].flatMap((part) => part.find(''));
    const seen = all.filter(({ visible }) => visible).map(({ textContent }) => textContent);
    assert.ok(
      seen.some((one) => one.includes(text)),
      `nobody sees ${text}`,
    );
  }

  async texts(selector: string): Promise<string[]> {
    return this.#find(selector).map(({ textContent }) => textContent);
  }

  async styles(selector: string, property: string): Promise<string[]> {
    return this.#find(selector).map(({ style }) => style[property] ?? '');
  }

  async press(label: string): Promise<boolean> {
    const button = this.#find('button').find(
      ({ textContent, disabled }) => textContent === label && !disabled,
    );
    await button?.dispatch('click');
    await Promise.all(this.#saved);
    return button !== undefined;
  }

  async poll(): Promise<void> {
    for (const each of this.#polled) await each();
  }

  async drop(files: readonly { readonly name: string; readonly text: string }[]): Promise<void> {
    for (const node of this.#modal.find('div')) await node.dispatch('drop', { dataTransfer: { files } });
  }

  async run<A extends readonly unknown[], T>(
    inPage: (luci: { require: (name: string) => unknown; map: () => unknown }, ...args: A) => T | Promise<T>,
    ...args: A
  ): Promise<T> {
    const luci = {
      require: async (name: string) => this.#modules.require(name),
      map: () => this.#map,
    };
    return JSON.parse(JSON.stringify((await inPage(luci, ...args)) ?? null));
  }

  async close(): Promise<void> {}
}

/** A browser's, for files that hold their text. */
class StandInReader {
  result: string | undefined;
  onload: () => void = () => {};
  readAsText({ text }: { readonly text: string }): void {
    this.result = text;
    this.onload();
  }
}

/** Opens a view in the stand-in. @param translate what _() gives */
export const openPage = async (
  view: string,
  router: Router,
  translate: (text: string) => string = (text) => text,
): Promise<Page> => {
  const page = new StandIn(router, translate);
  await page.open(view);
  return page;
};

/** Whether it is of the kind that tests ask for. */
openPage satisfies OpenPage;
