import type { Problem } from '../../config/index.js';
import { printable } from '../../wording.js';

/** A place in a file of wg-quick(8). */
export interface Place {
  readonly key: string;
  /** Counts from 1. */
  readonly line: number;
}

/** Tells of something in a file. @param place undefined for the file as a whole */
export type Say = (severity: Problem['severity'], place: Place | undefined, message: string) => void;

/** What there is to say of files. What is the same in several, as files of one provider have it, is said of the first, with their number. */
export class Notes {
  readonly #said = new Map<string, { readonly problem: Problem; more: number }>();

  /** For what there is to say of one file. */
  of(path: string): Say {
    const file = printable(path);
    return (severity, place, message) => {
      const same = [severity, place?.key, message].join(' ');
      const known = this.#said.get(same);
      if (known !== undefined) {
        if (known.problem.file !== file) known.more++;
        return;
      }
      const at = { line: place?.line, section: place?.key, option: undefined, ifname: undefined };
      this.#said.set(same, { problem: { severity, file, ...at, message }, more: 0 });
    };
  }

  /** In the order in which it was said. */
  all(): Problem[] {
    return [...this.#said.values()].map(({ problem, more }) => {
      if (more === 0) return problem;
      const others = `(and in ${more} more ${more === 1 ? 'file' : 'files'})`;
      return { ...problem, message: `${problem.message} ${others}` };
    });
  }
}
