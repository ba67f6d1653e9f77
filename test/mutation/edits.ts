import { type Product, readProduct } from './markers.ts';
import { childOf, childrenOf, parseSource, type SyntaxNode } from './syntax.ts';

/** A change to the syntax behind a marker. */
export type Edit =
  | { at: string; drop: true }
  /** The new text, or a function that makes it of the marked syntax. `other` gives that of another marker in the same file. */
  | { at: string; replaceBy: string | ((marked: Marked, other: (id: string) => Marked) => string) };

/** Removes an array element, an argument, a property, a statement, or the right operand of `&&`, `||` or `??`. */
export const drop = (at: string): Edit => ({ at, drop: true });

export const replace = (at: string, replaceBy: Extract<Edit, { replaceBy: unknown }>['replaceBy']): Edit => ({
  at,
  replaceBy,
});

/**
 * The marked syntax as source text. An edit takes names from here, so that a rename does not break it. `await`, `return`, `!`, `…`,
 * `const … =` and the semicolon of a statement are looked through: the parts of `await post(events);` are those of the call.
 * Each part throws if the syntax has none of it.
 */
class Marked {
  readonly #source: string;
  readonly #node: SyntaxNode;

  constructor(source: string, node: SyntaxNode) {
    this.#source = source;
    this.#node = node;
  }

  get text(): string {
    return this.#textOf(this.#node);
  }
  /** Of a call: the texts of its arguments. */
  get args(): readonly string[] {
    return childrenOf(this.#inner, 'arguments').map((node) => this.#textOf(node));
  }
  /** Of a call: what is called, with its type arguments. */
  get callee(): string {
    return this.#part('callee');
  }
  /** Of `object.field` and of `object.method(…)`. */
  get object(): string {
    const object = childOf(childOf(this.#inner, 'callee') ?? this.#inner, 'object');
    if (!object) throw new Error(`no object in: ${this.text}`);
    return this.#textOf(object);
  }
  /** Of an operation or an assignment. */
  get left(): string {
    return this.#part('left');
  }
  get right(): string {
    return this.#part('right');
  }
  /** Of a condition: `test ? consequent : alternate`, `if (test) consequent else alternate`. */
  get test(): string {
    return this.#part('test');
  }
  get consequent(): string {
    return this.#part('consequent');
  }
  get alternate(): string {
    return this.#part('alternate');
  }
  /** Of a property. */
  get key(): string {
    return this.#part('key');
  }
  get value(): string {
    return this.#part('value');
  }
  /** Of `expression as Type` and `expression satisfies Type`. */
  get expression(): string {
    return this.#part('expression');
  }

  #part(name: string): string {
    const part = childOf(this.#inner, name);
    if (!part) throw new Error(`no ${name} in: ${this.text}`);
    return this.#textOf(part);
  }

  get #inner(): SyntaxNode {
    let node = this.#node;
    for (let next: SyntaxNode | undefined = node; next; next = within(node)) node = next;
    return node;
  }

  #textOf({ start, end }: SyntaxNode): string {
    return this.#source.slice(start, end);
  }
}

/** What a node only wraps. */
function within(node: SyntaxNode): SyntaxNode | undefined {
  switch (node.type) {
    case 'ExpressionStatement':
    case 'ParenthesizedExpression':
      return childOf(node, 'expression');
    case 'ReturnStatement':
    case 'AwaitExpression':
    case 'UnaryExpression':
    case 'SpreadElement':
      return childOf(node, 'argument');
    case 'VariableDeclaration': {
      const [first] = childrenOf(node, 'declarations');
      return first && childOf(first, 'init');
    }
    default:
      return undefined;
  }
}

/** The edited files by their paths below the project's root. Throws if a marker is missing or an edit changes nothing. */
export function applyEdits(
  edits: readonly Edit[],
  product: Product = readProduct(),
): ReadonlyMap<string, string> {
  const byFile = Map.groupBy(edits, ({ at }) => markerOf(product, at).file);
  return new Map([...byFile].map(([file, ofFile]) => [file, editFile(product, file, ofFile)]));
}

function markerOf({ markers }: Product, id: string) {
  const found = markers.get(id);
  if (!found) throw new Error(`no marker "${id}" is in the source`);
  return found;
}

interface Splice {
  start: number;
  end: number;
  text: string;
}

function editFile(product: Product, file: string, edits: readonly Edit[]): string {
  const text = product.files.get(file)?.text ?? '';
  const splices = edits.map((edit): Splice => {
    const { node, path } = markerOf(product, edit.at);
    if ('drop' in edit) return dropped(file, text, node, path.at(-1));
    const { replaceBy } = edit;
    const by = typeof replaceBy === 'string' ? replaceBy : replaceBy(new Marked(text, node), other);
    if (by === text.slice(node.start, node.end)) throw new Error(`${file}: "${edit.at}" changes nothing`);
    return { start: node.start, end: node.end, text: by };
  });
  function other(id: string): Marked {
    const marker = markerOf(product, id);
    if (marker.file !== file) throw new Error(`the marker "${id}" is not in ${file}`);
    return new Marked(text, marker.node);
  }
  splices.sort((a, b) => b.start - a.start);
  let result = text;
  let before = Number.POSITIVE_INFINITY;
  for (const { start, end, text: by } of splices) {
    if (end > before) throw new Error(`${file}: two edits overlap`);
    result = result.slice(0, start) + by + result.slice(end);
    before = start;
  }
  // The result must be TypeScript again.
  parseSource(file, result);
  return result;
}

/** What is cut out when a node goes: with it goes a comma or an operator. */
function dropped(file: string, text: string, node: SyntaxNode, parent: SyntaxNode | undefined): Splice {
  const cut = (start: number, end: number): Splice => ({ start, end, text: '' });
  const lists = parent ? ['elements', 'arguments', 'properties'].map((name) => childrenOf(parent, name)) : [];
  if (lists.some((list) => list.includes(node))) {
    const comma = /^(?:\s|\/\/.*|\/\*[\s\S]*?\*\/)*,/.exec(text.slice(node.end))?.[0] ?? '';
    return cut(node.start, node.end + comma.length);
  }
  if (parent?.type === 'LogicalExpression' && childOf(parent, 'right') === node) {
    const left = childOf(parent, 'left');
    if (left) return cut(left.end, node.end);
  }
  if (parent && childrenOf(parent, 'body').includes(node)) return cut(node.start, node.end);
  if (parent?.type === 'SwitchCase') return cut(node.start, node.end);
  if (node.type.endsWith('Statement')) return { start: node.start, end: node.end, text: '{}' };
  throw new Error(
    `${file}: cannot drop ${node.type} in ${parent?.type}: ${text.slice(node.start, node.end)}`,
  );
}
