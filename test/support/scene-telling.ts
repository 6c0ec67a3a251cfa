/* How the parts of platform-scene.ts tell what they see: as lines of text. */
import { programArguments, standardOutput } from '#platform/process.js';
import { setTimeout } from '#platform/timers.js';

/** Of the scene's own. */
export const [folder = ''] = programArguments;

export function tell(...words: unknown[]): void {
  standardOutput.write(
    `${words.map((word) => (typeof word === 'string' ? word : JSON.stringify(word))).join(' ')}\n`,
  );
}

/** An error's text without what differs from run to run, or is too long to be read. */
function withoutChance(text: string): string {
  return text
    .replaceAll(folder, 'FOLDER')
    .replace(/x{50,}/, 'LONG')
    .replace(/wgps-scene-\d+\0*/, 'NAME');
}

/** What a call gives or throws. */
export function outcome(what: string, call: () => unknown): void {
  try {
    tell(what, call() ?? 'nothing');
  } catch (error) {
    const { code = 'none', message } = error as Error & { code?: string };
    tell(what, 'throws', code, withoutChance(message));
  }
}

export const hex = (bytes: Uint8Array): string =>
  [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
export const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
export const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => void setTimeout(resolve, milliseconds));
