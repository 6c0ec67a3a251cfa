// The public names of a library, with their docstrings, as the declarations that the compiler writes have them.
import { fileURLToPath } from 'node:url';
import {
  isClassDeclaration,
  isConstructorDeclaration,
  isFunctionDeclaration,
  isGetAccessorDeclaration,
  isInterfaceDeclaration,
  isMethodDeclaration,
  isMethodSignatureDeclaration,
  isPrivateIdentifier,
  isTypeAliasDeclaration,
  SyntaxKind,
} from 'typescript/unstable/ast';
import { SymbolFlags } from 'typescript/unstable/sync';
import { root } from '../setup/paths.mjs';
import { withProject } from './project.mjs';

/**
 * @typedef {object} Member of a class or an interface
 * @property {string} name
 * @property {string} signature on one line
 * @property {string} doc without the signs of a comment
 * @property {boolean} callable a method, an accessor or a constructor
 */

/**
 * @typedef {object} Entry a name that a library exports
 * @property {string} name
 * @property {'class' | 'interface' | 'function' | 'type' | 'constant'} kind
 * @property {string} declaration for a class or an interface its first line, else all of it
 * @property {string} doc
 * @property {Member[]} members
 */

/**
 * @typedef {object} Library
 * @property {string} name as it is imported
 * @property {string} doc of the module; empty where it has none
 * @property {Entry[]} entries in the order of their names
 */

/**
 * Reads the declarations in dist, which have to be there.
 *
 * @param {Readonly<Record<string, string>>} files by the names of the libraries, relative to the checkout
 * @returns {Library[]}
 */
export function readLibraries(files) {
  return withProject(fileURLToPath(new URL('tsconfig.json', import.meta.url)), (project) =>
    Object.entries(files).map(([name, file]) => readLibrary(project, name, `${root}/${file}`)),
  );
}

/**
 * @param {import('typescript/unstable/sync').Project} project
 * @param {string} name
 * @param {string} path
 * @returns {Library}
 */
function readLibrary({ program, checker }, name, path) {
  const file = program.getSourceFile(path);
  const module = file && checker.getSymbolAtLocation(file);
  if (file === undefined || module === undefined) throw new Error(`${path} is missing: npm run build`);
  const entries = checker.getExportsOfModule(module).flatMap((symbol) => {
    const target = symbol.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    return target.declarations.map((handle) => readEntry(symbol.name, handle.resolve()));
  });
  entries.sort((one, other) => (one.name < other.name ? -1 : 1));
  return { name, doc: docOf(file.statements[0]), entries };
}

/**
 * @param {string} name under which it is exported
 * @param {import('typescript/unstable/ast').Node | undefined} node
 * @returns {Entry}
 */
function readEntry(name, node) {
  if (node === undefined) throw new Error(`${name} is declared nowhere`);
  const entry = { name, declaration: textOf(node), doc: docOf(node) };
  if (isFunctionDeclaration(node)) return { ...entry, kind: 'function', members: [] };
  if (isTypeAliasDeclaration(node)) return { ...entry, kind: 'type', members: [] };
  if (isClassDeclaration(node) || isInterfaceDeclaration(node)) {
    const kind = isClassDeclaration(node) ? 'class' : 'interface';
    const declaration = entry.declaration.slice(0, entry.declaration.indexOf(' {'));
    return { ...entry, kind, declaration, members: [...node.members].filter(isPublic).map(readMember) };
  }
  // The comment stands before the statement, which holds the list that holds the declaration.
  const statement = node.parent.parent;
  return { name, kind: 'constant', declaration: textOf(statement), doc: docOf(statement), members: [] };
}

/**
 * @param {import('typescript/unstable/ast').Node & { name?: import('typescript/unstable/ast').Node }} node
 * @returns {Member}
 */
function readMember(node) {
  const isConstructor = isConstructorDeclaration(node);
  const callable =
    isConstructor ||
    isMethodDeclaration(node) ||
    isMethodSignatureDeclaration(node) ||
    isGetAccessorDeclaration(node);
  const signature = textOf(node)
    .replaceAll(/\/\*\*.*?\*\//gs, '')
    .replaceAll(/\s+/g, ' ')
    .replace(/;$/, '');
  const name = isConstructor ? 'constructor' : (node.name?.getText() ?? signature);
  return { name, signature, doc: docOf(node), callable };
}

/** @param {import('typescript/unstable/ast').Node & { name?: import('typescript/unstable/ast').Node }} node */
function isPublic(node) {
  if (/^@internal\b/m.test(docOf(node))) return false;
  const { name, modifiers } = /** @type {{ name?: any, modifiers?: readonly any[] }} */ (node);
  if (name !== undefined && isPrivateIdentifier(name)) return false;
  return !modifiers?.some(({ kind }) => kind === SyntaxKind.PrivateKeyword);
}

/** @param {import('typescript/unstable/ast').Node} node */
function textOf(node) {
  return node.getText().replace(/^export (declare )?/, '');
}

/**
 * The docstring of a node, without the signs of a comment.
 *
 * @param {import('typescript/unstable/ast').Node | undefined} node
 */
function docOf(node) {
  const comment = node?.jsDoc?.at(-1);
  if (node === undefined || comment === undefined) return '';
  const text = node.getSourceFile().text.slice(comment.pos, comment.end);
  return text
    .trim()
    .replace(/^\/\*\*/, '')
    .replace(/\*\/$/, '')
    .replaceAll(/^[ \t]*\* ?/gm, '')
    .trim();
}
