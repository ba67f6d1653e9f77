import { childOf, childrenOf, fieldOf, parseSource, type SyntaxNode, walk } from './syntax.ts';

/** A fault of the kind that a maintainer makes: a piece of a source file, and what stands there instead. */
export interface Fault {
  operator: string;
  /** Of the piece, counted from 1. */
  line: number;
  start: number;
  end: number;
  before: string;
  after: string;
}

/** A fault and the source file that has it. */
export interface Planted extends Fault {
  file: string;
}

/** What an operator makes of a node: a piece of the source and its new text. */
interface Change {
  at: Pick<SyntaxNode, 'start' | 'end'>;
  by: string;
}

/** @returns the changes that the operator makes of this node; most make none */
type Operator = (node: SyntaxNode, context: Context) => Change[];

interface Context {
  parent: SyntaxNode | undefined;
  textOf(node: SyntaxNode): string;
}

const SWAPPED: Readonly<Record<string, string>> = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
};
const NEGATED: Readonly<Record<string, string>> = { '===': '!==', '!==': '===' };
const OTHER_WAY: Readonly<Record<string, string>> = { '+': '-', '-': '+', '*': '/', '/': '*', '%': '*' };
const OTHER_ASSIGNMENT: Readonly<Record<string, string>> = { '+=': '-=', '-=': '+=' };
const LOGICAL: Readonly<Record<string, string>> = { '&&': '||', '||': '&&' };
const OTHER_METHOD: Readonly<Record<string, string>> = {
  min: 'max',
  max: 'min',
  every: 'some',
  some: 'every',
  ceil: 'floor',
  floor: 'ceil',
};
/** Functions that count bytes, and the same in UTF-16 units. */
const BYTES: Readonly<Record<string, (argument: string) => string>> = {
  'Buffer.byteLength': (argument) => `(${argument}).length`,
  jsonBytes: (argument) => `(${argument}).length`,
  itemBytes: (argument) => `JSON.stringify(${argument}).length`,
  valueBytes: (argument) => `JSON.stringify(${argument}).length`,
};

/** Replaces the operator between two operands. */
const between =
  (types: readonly string[], table: Readonly<Record<string, string>>): Operator =>
  (node, { textOf }) => {
    const [left, right] = [childOf(node, 'left'), childOf(node, 'right')];
    const by = table[String(fieldOf(node, 'operator'))];
    if (!types.includes(node.type) || !left || !right || by === undefined) return [];
    return [{ at: node, by: `${textOf(left)} ${by} ${textOf(right)}` }];
  };

const OPERATORS: Readonly<Record<string, Operator>> = {
  'limit moved by one': between(['BinaryExpression'], SWAPPED),
  'comparison negated': between(['BinaryExpression'], NEGATED),
  'arithmetic the other way': between(['BinaryExpression'], OTHER_WAY),
  'assignment the other way': between(['AssignmentExpression'], OTHER_ASSIGNMENT),
  '`and` for `or`': between(['LogicalExpression'], LOGICAL),
  'operand dropped': (node, { textOf }) => {
    const left = childOf(node, 'left');
    return node.type === 'LogicalExpression' && left ? [{ at: node, by: textOf(left) }] : [];
  },
  'number plus one': (node) => {
    const value = fieldOf(node, 'value');
    return node.type === 'Literal' && typeof value === 'number' ? [{ at: node, by: String(value + 1) }] : [];
  },
  'boolean inverted': (node) => {
    const value = fieldOf(node, 'value');
    return node.type === 'Literal' && typeof value === 'boolean' ? [{ at: node, by: String(!value) }] : [];
  },
  'bytes as units': (node, { textOf }) => {
    const callee = childOf(node, 'callee');
    const units = node.type === 'CallExpression' && callee ? BYTES[textOf(callee)] : undefined;
    const [argument] = childrenOf(node, 'arguments');
    return units && argument ? [{ at: node, by: units(textOf(argument)) }] : [];
  },
  'await dropped': (node, { textOf }) => {
    const awaited = childOf(node, 'argument');
    return node.type === 'AwaitExpression' && awaited ? [{ at: node, by: textOf(awaited) }] : [];
  },
  'arguments swapped': (node, { textOf }) => {
    const callee = childOf(node, 'callee');
    if (node.type !== 'CallExpression' || !callee || /^Math\./.test(textOf(callee))) return [];
    const given = childrenOf(node, 'arguments');
    return given.slice(1).flatMap((second, i): Change[] => {
      const first = given[i];
      if (!first || textOf(first) === textOf(second)) return [];
      return [{ at: { start: first.start, end: second.end }, by: `${textOf(second)}, ${textOf(first)}` }];
    });
  },
  'condition negated': (node, { textOf }) => {
    const test = childOf(node, 'test');
    const isCondition = node.type === 'IfStatement' || node.type === 'ConditionalExpression';
    // Of a comparison, another operator makes the same.
    const isComparison = test && NEGATED[String(fieldOf(test, 'operator'))] !== undefined;
    return isCondition && test && !isComparison ? [{ at: test, by: `!(${textOf(test)})` }] : [];
  },
  'guard dropped': (node, { textOf }) => {
    const consequent = childOf(node, 'consequent');
    const leaves = consequent && /^(\{\s*)?(return|continue|break|throw)\b/.test(textOf(consequent));
    return node.type === 'IfStatement' && !childOf(node, 'alternate') && leaves
      ? [{ at: node, by: '{}' }]
      : [];
  },
  'statement dropped': (node) => (node.type === 'ExpressionStatement' ? [{ at: node, by: ';' }] : []),
  'handler dropped': (node) => {
    const body = childOf(node, 'body');
    return node.type === 'CatchClause' && body && childrenOf(body, 'body').length > 0
      ? [{ at: body, by: '{}' }]
      : [];
  },
  'property dropped': (node, { parent }) => {
    if (parent?.type !== 'ObjectExpression') return [];
    return node.type === 'Property' || node.type === 'SpreadElement' ? [{ at: node, by: '...{}' }] : [];
  },
  'other method': (node, { textOf }) => {
    const property = node.type === 'MemberExpression' ? childOf(node, 'property') : undefined;
    const by = property && OTHER_METHOD[textOf(property)];
    return property && by ? [{ at: property, by }] : [];
  },
};

/** What is no behaviour of the product: types, imports, and the texts of logs and errors for people. */
function isSilent(node: SyntaxNode, textOf: Context['textOf']): boolean {
  if (node.type.startsWith('TS') && !/^TS(As|Satisfies|NonNull)Expression$/.test(node.type)) return true;
  if (node.type === 'ImportDeclaration') return true;
  const callee = childOf(node, 'callee');
  return node.type === 'CallExpression' && callee !== undefined && /(^|\.)log\.\w+$/.test(textOf(callee));
}

/** Every single fault that the operators make of a source file. */
export function faultsOf(file: string, text: string): Fault[] {
  const faults: Fault[] = [];
  const textOf = ({ start, end }: SyntaxNode) => text.slice(start, end);
  const lines = lineStarts(text);
  walk(parseSource(file, text).root, (node, path) => {
    if ([...path, node].some((one) => isSilent(one, textOf))) return;
    for (const [operator, changesOf] of Object.entries(OPERATORS)) {
      for (const { at, by } of changesOf(node, { parent: path.at(-1), textOf })) {
        const before = text.slice(at.start, at.end);
        const { start, end } = at;
        if (before !== by)
          faults.push({ operator, line: lineOf(lines, start), start, end, before, after: by });
      }
    }
  });
  return faults;
}

/** The source with this fault. */
export const withFault = (
  text: string,
  { start, end, after }: Pick<Fault, 'start' | 'end' | 'after'>,
): string => text.slice(0, start) + after + text.slice(end);

const lineStarts = (text: string): number[] => [
  0,
  ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1),
];

const lineOf = (starts: readonly number[], at: number): number =>
  starts.findLastIndex((start) => start <= at) + 1;
