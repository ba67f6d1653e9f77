import { childOf, childrenOf, fieldOf, parseSource, type SyntaxNode, walk } from './syntax.ts';

/**
 * Renames every name that a file can change by itself: variables, parameters, functions, types, private fields, and the
 * local names of imports. What the file exports and what it calls of others keep their names. A name is renamed wherever it
 * occurs in the file, so scopes need no attention.
 */
export function renameLocals(file: string, text: string): string {
  const { root } = parseSource(file, text);
  const bound = new Set<string>();
  const exported = new Set<string>();
  walk(root, (node, path) => {
    const names = bindingsOf(node).flatMap(identifiersIn);
    for (const name of names) (path.at(-1)?.type === 'ExportNamedDeclaration' ? exported : bound).add(name);
  });
  const splices: { at: number; name: string; by: string }[] = [];
  walk(root, (node, path) => {
    const name = nameOf(node);
    if (name === undefined || isKey(node, path)) return;
    const isPrivate = node.type === 'PrivateIdentifier';
    if (!isPrivate && (!bound.has(name) || exported.has(name))) return;
    const renamed = `${isPrivate ? '#' : ''}${name}Renamed`;
    const prefix = isShorthand(node, path) ? `${name}: ` : isPlainImport(node, path) ? `${name} as ` : '';
    splices.push({ at: node.start, name: isPrivate ? `#${name}` : name, by: prefix + renamed });
  });
  let result = text;
  for (const { at, name, by } of splices.sort((a, b) => b.at - a.at))
    result = result.slice(0, at) + by + result.slice(at + name.length);
  return result;
}

/** The patterns and names that a node binds. */
function bindingsOf(node: SyntaxNode): SyntaxNode[] {
  switch (node.type) {
    case 'VariableDeclaration':
      return childrenOf(node, 'declarations').flatMap((one) => childOf(one, 'id') ?? []);
    case 'ArrowFunctionExpression':
      return childrenOf(node, 'params');
    case 'FunctionExpression':
      return childrenOf(node, 'params');
    case 'FunctionDeclaration':
    case 'ClassDeclaration':
    case 'TSTypeAliasDeclaration':
    case 'TSInterfaceDeclaration':
      return [childOf(node, 'id') ?? []].flat();
    case 'ImportSpecifier':
    case 'ImportNamespaceSpecifier':
      return [childOf(node, 'local') ?? []].flat();
    case 'CatchClause':
      return [childOf(node, 'param') ?? []].flat();
    default:
      return [];
  }
}

function identifiersIn(pattern: SyntaxNode): string[] {
  switch (pattern.type) {
    case 'Identifier':
      return [nameOf(pattern) ?? []].flat();
    case 'ObjectPattern':
      return childrenOf(pattern, 'properties').flatMap(identifiersIn);
    case 'ArrayPattern':
      return childrenOf(pattern, 'elements').flatMap(identifiersIn);
    default: {
      // A property, a default, a rest: the name is within.
      const inner = childOf(pattern, 'value') ?? childOf(pattern, 'left') ?? childOf(pattern, 'argument');
      return inner ? identifiersIn(inner) : [];
    }
  }
}

function nameOf(node: SyntaxNode): string | undefined {
  if (node.type !== 'Identifier' && node.type !== 'PrivateIdentifier') return undefined;
  const name = fieldOf(node, 'name');
  return typeof name === 'string' ? name : undefined;
}

/** Names of fields and methods, and of what is imported, belong to others too. */
function isKey(node: SyntaxNode, path: readonly SyntaxNode[]): boolean {
  const parent = path.at(-1);
  if (!parent || node.type === 'PrivateIdentifier') return false;
  const fields = ['key', 'property', 'imported', 'exported', 'label', 'meta'];
  if (parent.type === 'TSQualifiedName') fields.push('right');
  if (fieldOf(parent, 'computed') === true) return false;
  return fields.some((field) => childOf(parent, field) === node);
}

/** `{ name }` and `{ name = default }`. The key comes first, and is not this node. */
function isShorthand(node: SyntaxNode, path: readonly SyntaxNode[]): boolean {
  const parent = path.at(-1);
  const isDefault = parent?.type === 'AssignmentPattern';
  if (isDefault && childOf(parent, 'left') !== node) return false;
  const property = isDefault ? path.at(-2) : parent;
  return property?.type === 'Property' && fieldOf(property, 'shorthand') === true;
}

function isPlainImport(node: SyntaxNode, path: readonly SyntaxNode[]): boolean {
  const parent = path.at(-1);
  return parent?.type === 'ImportSpecifier' && childOf(parent, 'imported')?.start === node.start;
}
