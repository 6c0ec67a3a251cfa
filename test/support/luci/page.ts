/**
 * A page of LuCI's as tests see it: it lives in a stand-in for LuCI's runtime (stand-in.ts).
 */

export type UciValues = Record<string, string | readonly string[]>;

/** A configuration by section: its type, and its options. */
export type UciConfig = Record<string, { readonly type: string; readonly options: UciValues }>;

/** The router behind the page. */
export interface Router {
  /** By the name of the file in /etc/config. */
  readonly uci: Readonly<Record<string, UciConfig>>;
  /** Whoever is logged in may only look. */
  readonly readonly?: boolean;
  /** What ubus answers: its status, and a table, which may be there if the status is an error, too. The objects that there are, by `objects`. */
  call(object: string, method: string, args: Readonly<Record<string, unknown>>): Promise<UbusAnswer>;
  objects(): readonly string[];
}

export type UbusAnswer = readonly [status: number, table?: unknown];

/** What is run in a page: it sees nothing but its arguments. */
export type InPage<A extends readonly unknown[], T> = (
  // biome-ignore lint/suspicious/noExplicitAny: LuCI's objects have no types.
  luci: { readonly require: (name: string) => any; readonly map: () => any },
  ...args: A
) => T | Promise<T>;

export interface Page {
  /** Waits until somebody sees that text somewhere. */
  sees(text: string): Promise<void>;
  /** The texts of all elements that the selector finds and somebody sees (`td[data-title=State]`), in their order. */
  texts(selector: string): Promise<string[]>;
  /** A property of the styles of their own that those elements have, empty where they have none: `overflowWrap`. */
  styles(selector: string, property: string): Promise<string[]>;
  /** Presses the first button that says that, and can be pressed; false if none can. */
  press(label: string): Promise<boolean>;
  /** What polls is asked now. */
  poll(): Promise<void>;
  /** Lets files fall where the page takes them. */
  drop(files: readonly { readonly name: string; readonly text: string }[]): Promise<void>;
  /** Runs something with LuCI's objects. What it gives is JSON. */
  run<A extends readonly unknown[], T>(inPage: InPage<A, T>, ...args: A): Promise<T>;
  close(): Promise<void>;
}

/** Opens a view, by its path below `view`. */
export type OpenPage = (view: string, router: Router) => Promise<Page>;

export { openPage } from './stand-in.js';
