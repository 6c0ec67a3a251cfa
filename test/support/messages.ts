/**
 * What the program may say, as it stands in its sources: the literals that are texts for people, with … for what is put in. And
 * whether a document has them.
 */
import {
  isBinaryExpression,
  isCaseClause,
  isExportDeclaration,
  isImportDeclaration,
  isLiteralTypeNode,
  isNoSubstitutionTemplateLiteral,
  isStringLiteral,
  isTemplateExpression,
  type Node,
  SyntaxKind,
} from 'typescript/unstable/ast';
import { walk } from './source-files.js';

/** Two words, or a word and something that is put in: `trying …`, but not `…: …`. */
const PROSE = /^(?=.*\p{Ll}{2}).*\S \S/su;

/** The literals of a file, but for names of modules and types. */
export function literalsIn(file: Node): string[] {
  const found: string[] = [];
  walk(file, (node) => {
    const text = textOf(node);
    if (text !== undefined) found.push(text);
    return !(isImportDeclaration(node) || isExportDeclaration(node) || isLiteralTypeNode(node));
  });
  return found;
}

/** Those that somebody may come to read. */
export function messagesIn(file: Node): string[] {
  const found: string[] = [];
  walk(file, (node) => {
    const text = textOf(node);
    if (text !== undefined && PROSE.test(text) && !isCompared(node)) found.push(text.trim());
    return !isLiteralTypeNode(node);
  });
  return found;
}

/** What a document of tables has in its first column, between backquotes. */
export function messagesOf(text: string): string[] {
  const cells = [...text.matchAll(/^\| (`.*?`) \| /gm)].map(([, cell = '']) => cell);
  return cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, message = '']) => message));
}

/**
 * Whether a text has this message in it, with anything for what is put in.
 * @param whole whether nothing else may stand before and behind it
 */
export function holds(text: string, message: string, whole = false): boolean {
  const pattern = fixedParts(message).map(escaped).join('.*');
  return new RegExp(whole ? `^${pattern}$` : pattern).test(text);
}

/** The words of a message of a document that stand in none of the literals. */
export function wordsOfNobody(documented: string, literals: readonly string[]): string[] {
  const parts = new Set(literals.flatMap(fixedParts).map((part) => part.trim()));
  const said = new Set<number>();
  for (const part of parts) {
    if (!/\p{L}{2}/u.test(part)) continue;
    for (let at = documented.indexOf(part); at >= 0; at = documented.indexOf(part, at + 1))
      for (let i = 0; i < part.length; i++) said.add(at + i);
  }
  const words = [...documented.matchAll(/\p{L}{2,}/gu)];
  return words.flatMap(({ 0: word, index }) => (said.has(index) ? [] : [word]));
}

function textOf(node: Node): string | undefined {
  if (isStringLiteral(node) || isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (!isTemplateExpression(node)) return undefined;
  return [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join('…');
}

/** A word of the program's own, which it only compares with another. */
function isCompared({ parent }: Node): boolean {
  if (isCaseClause(parent)) return true;
  const comparisons = [SyntaxKind.EqualsEqualsEqualsToken, SyntaxKind.ExclamationEqualsEqualsToken];
  return isBinaryExpression(parent) && comparisons.includes(parent.operatorToken.kind);
}

function fixedParts(message: string): string[] {
  return message.split('…');
}

function escaped(text: string): string {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
