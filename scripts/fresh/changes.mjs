// What has changed in a tree of files: every entry before and after, by what no program can set back.

/**
 * The argv of a program that tells of every entry below a folder, for {@link changesBetween}. What has an inode change time newer than
 * before was changed, whatever its time of modification says: packages are unpacked with the times of their making. Those of folders
 * say less: what came or went in them is an entry by itself.
 *
 * @param {string} top
 * @param {string[]} leave absolute paths that do not count, with all that is below
 */
export function telling(top, leave) {
  const prune = leave.flatMap((path) => ['-path', path, '-prune', '-o']);
  const folders = ['-type', 'd', '-printf', '%y %m %U %G\\0%p\\0'];
  return ['find', top, ...prune, '(', ...folders, '-o', '-printf', '%y %m %U %G %s %C@ %i %l\\0%p\\0', ')'];
}

/**
 * @param {string} before what {@link telling} wrote then
 * @param {string} after and now
 * @returns {string[]} `new /etc/x`, `gone /etc/y`, `changed /etc/z`, sorted by path
 */
export function changesBetween(before, after) {
  const old = entries(before);
  const current = entries(after);
  return [...new Set([...old.keys(), ...current.keys()])].sort().flatMap((path) => {
    const [was, is] = [old.get(path), current.get(path)];
    if (was === is) return [];
    return [`${was === undefined ? 'new' : is === undefined ? 'gone' : 'changed'} ${path}`];
  });
}

/** @param {string} told @returns {Map<string, string>} by path */
function entries(told) {
  const fields = told.split('\0');
  /** @type {Map<string, string>} */
  const all = new Map();
  for (let at = 0; at + 1 < fields.length; at += 2) all.set(fields[at + 1] ?? '', fields[at] ?? '');
  return all;
}
