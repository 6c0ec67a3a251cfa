// Where things are in a checkout.
import { fileURLToPath } from 'node:url';

/** The checkout's own folder, without a slash at its end. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** What the set-up makes and a second run finds again. Safe to delete. */
export const cache = `${root}/.cache`;
