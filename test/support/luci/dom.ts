/** As much of a browser's document as LuCI's pages of ours touch. */

type Listener = (event: DomEvent) => unknown;

export interface DomEvent {
  readonly type: string;
  readonly currentTarget: DomNode;
  readonly dataTransfer?: { readonly files: readonly unknown[] };
  preventDefault(): void;
}

/** What may stand in an element: nodes, or what becomes text. */
export type Content = DomNode | string | number | null | undefined | readonly Content[];

/** An element, a text (without a tag), or a fragment (with an empty one). */
export class DomNode {
  readonly tag: string | undefined;
  readonly attributes = new Map<string, string>();
  readonly style: Record<string, string> = {};
  readonly #listeners: [type: string, listener: Listener][] = [];
  childNodes: DomNode[] = [];
  parentNode: DomNode | undefined;
  #text = '';
  value = '';
  disabled = false;
  files: readonly unknown[] = [];

  constructor(tag: string | undefined, text = '') {
    this.tag = tag;
    this.#text = text;
  }

  get textContent(): string {
    return this.tag === undefined ? this.#text : this.childNodes.map((child) => child.textContent).join('');
  }

  set textContent(text: string) {
    this.replaceWith([text]);
  }

  get lastChild(): DomNode | undefined {
    return this.childNodes.at(-1);
  }

  /** Whether somebody sees it, as far as styles of its own say. */
  get visible(): boolean {
    return this.style.display !== 'none' && (this.parentNode?.visible ?? true);
  }

  setAttribute(name: string, value: string): void {
    this.attributes.set(name, value);
  }

  removeAttribute(name: string): void {
    this.attributes.delete(name);
  }

  append(content: Content): void {
    if (Array.isArray(content)) for (const each of content) this.append(each);
    else if (content instanceof DomNode) this.appendChild(content);
    else if (content !== null && content !== undefined && content !== '')
      this.appendChild(new DomNode(undefined, String(content)));
  }

  replaceWith(content: Content): void {
    for (const child of this.childNodes) child.parentNode = undefined;
    this.childNodes = [];
    this.append(content);
  }

  appendChild(child: DomNode): DomNode {
    if (child.tag === '') {
      for (const each of [...child.childNodes]) this.appendChild(each);
      return child;
    }
    child.remove();
    child.parentNode = this;
    this.childNodes.push(child);
    return child;
  }

  removeChild(child: DomNode): void {
    child.remove();
  }

  remove(): void {
    if (this.parentNode === undefined) return;
    this.parentNode.childNodes = this.parentNode.childNodes.filter((each) => each !== this);
    this.parentNode = undefined;
  }

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.push([type, listener]);
  }

  removeEventListener(type: string, listener: Listener): void {
    const at = this.#listeners.findIndex(([known, each]) => known === type && each === listener);
    if (at !== -1) this.#listeners.splice(at, 1);
  }

  /** Calls its listeners, and waits for what they promise. */
  async dispatch(type: string, more: Partial<DomEvent> = {}): Promise<void> {
    const event = { ...more, type, currentTarget: this, preventDefault() {} };
    for (const [known, listener] of [...this.#listeners]) if (known === type) await listener(event);
  }

  /** Every element below that has the tag and the attribute: `button`, `[data-interface=vpn]`, `td[data-title=State]`. */
  find(selector: string): DomNode[] {
    const [, tag = '', name, value] = /^(\w*)(?:\[([\w-]+)=(.*)\])?$/.exec(selector) ?? [];
    return this.childNodes.flatMap((child) => {
      const isIt =
        child.tag !== undefined &&
        (tag === '' || child.tag === tag) &&
        (name === undefined || child.attributes.get(name) === value);
      return [...(isIt ? [child] : []), ...child.find(selector)];
    });
  }
}

/** LuCI's E(): a tag or a list of nodes, attributes (functions are listeners), and content. */
export function createElement(tag: unknown, ...more: readonly unknown[]): DomNode {
  if (typeof tag !== 'string') {
    const fragment = new DomNode('');
    fragment.append(tag as Content);
    return fragment;
  }
  const node = new DomNode(tag);
  const [first] = more;
  const hasAttributes = typeof first === 'object' && !Array.isArray(first) && !(first instanceof DomNode);
  for (const [name, value] of Object.entries(hasAttributes ? (first ?? {}) : {})) {
    if (value === null || value === undefined) continue;
    if (typeof value === 'function') node.addEventListener(name, value as Listener);
    else if (name === 'style') setStyle(node, String(value));
    else if (name === 'disabled') node.disabled = true;
    else node.attributes.set(name, String(value));
  }
  node.append((hasAttributes ? more[1] : first) as Content);
  return node;
}

function setStyle(node: DomNode, text: string): void {
  for (const each of text.split(';')) {
    const [name = '', value = ''] = each.split(':');
    const property = name.trim().replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
    node.style[property] = value.trim();
  }
}
