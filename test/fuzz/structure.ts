/** What inputs are made of: boxes with a length, that hold bytes or boxes. Taken apart to be changed, and put together again. */

/** Something with a length of its own. */
export interface Box {
  /** What stands in front of the content: type, flags and numbers, the length among them. */
  readonly head: Uint8Array;
  content: Uint8Array | Box[];
}

/** How an input is built. */
export interface Format {
  /** @returns undefined for bytes that are not so built */
  split(bytes: Uint8Array): Box[] | undefined;
  join(boxes: readonly Box[]): Uint8Array;
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

const MOST_DEPTH = 8;

/** One kind of box: where its length stands, and what lies between that and the content. */
interface Kind {
  /** Bytes that it takes to tell how long the head is, and the box. */
  readonly least: number;
  /** Bytes of the head of the box at an offset; 0 where there is none. */
  headLength(bytes: Uint8Array, at: number): number;
  /** All of the box without its padding, head included. */
  length(bytes: Uint8Array, at: number): number;
  setLength(head: Uint8Array, length: number): void;
  /** What the content is made of, if of boxes. */
  inner(head: Uint8Array): Kind | undefined;
}

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** struct nlattr */
const attribute: Kind = {
  least: 4,
  headLength: () => 4,
  length: (bytes, at) => view(bytes).getUint16(at, true),
  setLength: (head, length) => view(head).setUint16(0, length & 0xffff, true),
  inner: () => attribute,
};

/** Bytes between struct nlmsghdr and the attributes, by the type of the message. */
function familyHeader(type: number): number {
  if (type === 2) return 20; // NLMSG_ERROR, capped
  if (type === 3) return 4;
  if (type === 16 || type === 17) return 16;
  if (type === 20 || type === 21) return 8;
  return type === 24 || type === 25 ? 12 : 4;
}

/** struct nlmsghdr and the header of the family */
const message: Kind = {
  least: 16,
  headLength: (bytes, at) => 16 + familyHeader(view(bytes).getUint16(at + 4, true)),
  length: (bytes, at) => view(bytes).getUint32(at, true),
  setLength: (head, length) => view(head).setUint32(0, length, true),
  inner: () => attribute,
};

/** struct blob_attr, with a name in blobmsg */
const blob: Kind = {
  least: 4,
  headLength: (bytes, at) => {
    if (((bytes[at] ?? 0) & 0x80) === 0) return 4;
    return 4 + ((2 + (((bytes[at + 4] ?? 0) << 8) | (bytes[at + 5] ?? 0)) + 1 + 3) & ~3);
  },
  length: (bytes, at) => view(bytes).getUint32(at) & 0xff_ffff,
  setLength: (head, length) =>
    view(head).setUint32(0, ((view(head).getUint32(0) & 0xff00_0000) | (length & 0xff_ffff)) >>> 0),
  inner: () => blob,
};

/** struct ubus_msghdr and the blob behind it */
const ubus: Kind = {
  least: 12,
  headLength: () => 12,
  length: (bytes, at) => 8 + (view(bytes).getUint32(at + 8) & 0xff_ffff),
  setLength: (head, length) => view(head).setUint32(8, (length - 8) & 0xff_ffff),
  inner: () => blob,
};

function split(kind: Kind, bytes: Uint8Array, depth = 0): Box[] | undefined {
  const boxes: Box[] = [];
  for (let at = 0; at < bytes.length; ) {
    if (bytes.length - at < kind.least) return undefined;
    const head = kind.headLength(bytes, at);
    const length = kind.length(bytes, at);
    if (length < head || length > bytes.length - at) return undefined;
    const headBytes = bytes.slice(at, at + head);
    const content = bytes.slice(at + head, at + length);
    const inner = kind.inner(headBytes);
    const boxesInside =
      inner === undefined || content.length === 0 || depth >= MOST_DEPTH
        ? undefined
        : split(inner, content, depth + 1);
    boxes.push({ head: headBytes, content: boxesInside ?? content });
    at += (length + 3) & ~3;
  }
  return boxes;
}

function join(kind: Kind, boxes: readonly Box[]): Uint8Array {
  return concat(
    boxes.flatMap(({ head, content }) => {
      const inner = kind.inner(head);
      const bytes = content instanceof Uint8Array ? content : join(inner ?? kind, content);
      // A box from elsewhere may have a shorter head.
      const own = concat([head, new Uint8Array(Math.max(0, kind.least - head.length))]);
      const length = own.length + bytes.length;
      kind.setLength(own, length);
      return [own, bytes, new Uint8Array(-length & 3)];
    }),
  );
}

function format(kind: Kind): Format {
  return { split: (bytes) => split(kind, bytes), join: (boxes) => join(kind, boxes) };
}

/** Lines of words. What is between two lines belongs to the first. */
const text: Format = {
  split(bytes) {
    const lines: Box[] = [];
    for (let at = 0; at < bytes.length; ) {
      const end = bytes.indexOf(10, at) + 1 || bytes.length;
      lines.push({ head: new Uint8Array(0), content: bytes.slice(at, end) });
      at = end;
    }
    return lines;
  },
  join: (boxes) => concat(boxes.flatMap(({ content }) => (content instanceof Uint8Array ? [content] : []))),
};

/** One box after another of a fixed length: fields of 4 bytes. */
const fields: Format = {
  split: (bytes) =>
    Array.from({ length: Math.ceil(bytes.length / 4) }, (_, at) => ({
      head: new Uint8Array(0),
      content: bytes.slice(4 * at, 4 * at + 4),
    })),
  join: text.join,
};

export const formats = {
  netlink: format(message),
  ubus: format(ubus),
  blobmsg: format(blob),
  text,
  fields,
} as const;
