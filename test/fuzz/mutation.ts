/** Inputs made of other inputs. */
import type { SeededRandom } from '../simulation/random.js';
import { type Box, concat, type Format } from './structure.js';

/** No input is longer. */
export const MOST_BYTES = 4096;

/** Numbers at which lengths and counters break, and bytes that mean something in texts. */
const EDGES = [
  0, 1, 2, 3, 4, 5, 7, 8, 15, 16, 17, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0xff_ffff,
  0x7fff_ffff, 0xffff_ffff,
];
const CHARACTERS = '\0\t\n\v\r "#\'()*+,-./0189:;=@AZ[\\]_az{}~\x7f\x80\xc3\xbc\xed\xa0\xef\xbb\xbf\xff';

function anyBytes(random: SeededRandom, most: number): Uint8Array {
  return Uint8Array.from({ length: random.below(most + 1) }, () => random.below(256));
}

/** All boxes, those within others too, each with the row it stands in. */
function places(row: Box[], found: { row: Box[]; at: number }[] = []): { row: Box[]; at: number }[] {
  for (const [at, { content }] of row.entries()) {
    found.push({ row, at });
    if (!(content instanceof Uint8Array)) places(content, found);
  }
  return found;
}

function copy({ head, content }: Box): Box {
  return {
    head: Uint8Array.from(head),
    content: content instanceof Uint8Array ? Uint8Array.from(content) : content.map(copy),
  };
}

/** Changes the structure and keeps its lengths right, so that what is changed is read. */
function changeBoxes(boxes: Box[], other: Box[], random: SeededRandom): void {
  const all = places(boxes);
  const place = all[random.below(all.length)];
  const foreign = places(other);
  const donor = foreign[random.below(foreign.length)];
  const box = place?.row[place.at];
  if (place === undefined || box === undefined) return;
  const { row, at } = place;
  const given = donor?.row[donor.at] ?? box;
  switch (random.below(8)) {
    case 0:
      row.splice(at, 1);
      break;
    case 1:
      row.splice(at, 0, copy(box));
      break;
    case 2:
      row.splice(at, random.below(2), copy(given));
      break;
    case 3:
      box.content = anyBytes(random, 40);
      break;
    case 4: // one too short, or too long
      if (box.content instanceof Uint8Array)
        box.content =
          random.below(2) === 0
            ? box.content.subarray(0, random.below(box.content.length + 1))
            : concat([box.content, anyBytes(random, 8)]);
      break;
    case 5: // deeper
      box.content = [copy(box)];
      break;
    case 6:
      if (box.head.length > 0)
        box.head[random.below(box.head.length)] = random.below(random.below(2) === 0 ? 32 : 256);
      break;
    default:
      box.content = copy(given).content;
  }
}

/** Changes bytes, whatever they mean. */
function changeBytes(bytes: Uint8Array, random: SeededRandom): Uint8Array {
  if (bytes.length === 0) return anyBytes(random, 8);
  const at = random.below(bytes.length);
  const edge = EDGES[random.below(EDGES.length)] ?? 0;
  const width = [1, 2, 4][random.below(3)] ?? 1;
  const aligned = at & -width;
  const changed = Uint8Array.from(bytes);
  const view = new DataView(changed.buffer);
  switch (random.below(7)) {
    case 0:
      changed[at] = (changed[at] ?? 0) ^ (1 << random.below(8));
      break;
    case 1:
      changed[at] = random.below(256);
      break;
    case 2:
      changed[at] = CHARACTERS.charCodeAt(random.below(CHARACTERS.length));
      break;
    case 3:
      for (let byte = 0; byte < width && aligned + byte < changed.length; byte++)
        changed[aligned + byte] = edge >>> (8 * (random.below(2) === 0 ? byte : width - 1 - byte));
      break;
    case 4: // a number that is a little off
      if (width === 4 && aligned + 4 <= changed.length) {
        const little = random.below(2) === 0;
        view.setUint32(aligned, view.getUint32(aligned, little) + random.below(9) - 4, little);
      } else changed[at] = (changed[at] ?? 0) + random.below(9) - 4;
      break;
    case 5:
      return changed.subarray(0, at);
    default:
      return concat([changed.subarray(0, at), anyBytes(random, 8), changed.subarray(at + random.below(8))]);
  }
  return changed;
}

/** An input like `input`, with parts of `other` perhaps. */
export function mutate(
  input: Uint8Array,
  other: Uint8Array,
  format: Format,
  random: SeededRandom,
): Uint8Array {
  let bytes = input;
  if (random.below(4) > 0) {
    const boxes = format.split(input);
    if (boxes !== undefined) {
      for (let times = 1 + random.below(3); times > 0; times--)
        changeBoxes(boxes, format.split(other) ?? [], random);
      bytes = format.join(boxes);
    }
  }
  if (bytes === input || random.below(3) === 0)
    for (let times = 1 + random.below(4); times > 0; times--) bytes = changeBytes(bytes, random);
  return bytes.slice(0, MOST_BYTES);
}
