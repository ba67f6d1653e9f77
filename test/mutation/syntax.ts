import { parseSync } from 'vite';

/** A node of a syntax tree (ESTree with TypeScript), by its place in the source. */
export interface SyntaxNode {
  type: string;
  start: number;
  end: number;
}

interface Comment {
  value: string;
  start: number;
  end: number;
}

export interface Source {
  text: string;
  root: SyntaxNode;
  comments: readonly Comment[];
}

/** Parses TypeScript. Throws on a syntax error. */
export function parseSource(file: string, text: string): Source {
  const { program, comments, errors } = parseSync(file, text);
  if (errors.length > 0) throw new Error(`${file}: ${errors.map(({ message }) => message).join('; ')}`);
  return { text, root: program, comments };
}

const isNode = (value: unknown): value is SyntaxNode =>
  typeof value === 'object' &&
  value !== null &&
  'type' in value &&
  typeof value.type === 'string' &&
  'start' in value &&
  typeof value.start === 'number' &&
  'end' in value &&
  typeof value.end === 'number';

/** The value of a node's field, e.g. `left` of a binary expression. Undefined if the node has no such field. */
export const fieldOf = (node: SyntaxNode, name: string): unknown =>
  Object.entries(node).find(([key]) => key === name)?.[1];

/** A node's field that is itself a node. */
export function childOf(node: SyntaxNode, name: string): SyntaxNode | undefined {
  const value = fieldOf(node, name);
  return isNode(value) ? value : undefined;
}

/** A node's field that is a list of nodes. Holes of an array literal are left out. */
export function childrenOf(node: SyntaxNode, name: string): SyntaxNode[] {
  const value = fieldOf(node, name);
  return Array.isArray(value) ? value.filter(isNode) : [];
}

/** Visits a node and everything below it, parents first, with the path to each: its parent is last. */
export function walk(
  node: SyntaxNode,
  visit: (node: SyntaxNode, path: readonly SyntaxNode[]) => void,
  path: readonly SyntaxNode[] = [],
): void {
  visit(node, path);
  const below = [...path, node];
  for (const value of Object.values(node)) {
    if (isNode(value)) walk(value, visit, below);
    else if (Array.isArray(value)) for (const one of value) if (isNode(one)) walk(one, visit, below);
  }
}
