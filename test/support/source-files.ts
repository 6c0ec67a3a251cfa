/** Sources as their compiler reads them, for what is held against them. */
import type { Node, SourceFile } from 'typescript/unstable/ast';
import type { Project } from 'typescript/unstable/sync';
import { root } from './documents.js';

const { withProject }: { withProject<T>(config: string, act: (project: Project) => T): T } = await import(
  `${root}scripts/docs/project.mjs`
);

/** The files of a folder, by their names: `src/daemon/log.ts`. */
export function sourceFiles(folder = 'src/'): Map<string, SourceFile> {
  return withProject(`${root}tsconfig.json`, ({ program }) => {
    const found = new Map<string, SourceFile>();
    for (const path of program.getSourceFileNames()) {
      const file = path.startsWith(root + folder) ? program.getSourceFile(path) : undefined;
      if (file !== undefined) found.set(path.slice(root.length), file);
    }
    return found;
  });
}

/** Goes through a node and all that is in it. @param visit gives false where nothing inside is of interest */
export function walk(node: Node, visit: (node: Node) => boolean): void {
  if (visit(node)) node.forEachChild((child) => walk(child, visit));
}
