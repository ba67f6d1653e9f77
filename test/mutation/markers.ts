import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSource, type Source, type SyntaxNode, walk } from './syntax.ts';

/**
 * A marker is a comment that names the rule which the syntax behind it keeps:
 *
 *     when: [/* rule: commit-needs-lease *\/ equals('lease', lease), …]
 *
 * The marked node is the outermost one that begins directly behind the comment (or behind further comments): an array
 * element, an argument, a property, an operand, a statement. An id occurs once in the product.
 */
interface Marker {
  id: string;
  node: SyntaxNode;
  /** From the file's root to the node's parent. */
  path: readonly SyntaxNode[];
}

const MARKER = /^\s*rule: ([a-z0-9]+(?:-[a-z0-9]+)*)\s*$/;

const ROOT = join(import.meta.dirname, '../..');

/** The folders of the product. */
const FOLDERS = ['protocol', 'config', 'core', 'model', 'aws', 'lambdas', 'agent'];

/** The markers of one source, in their order. */
function markersOf(file: string, source: Source): Marker[] {
  return source.comments.flatMap(({ value, end }) => {
    const [, id] = MARKER.exec(value) ?? [];
    if (id === undefined) return [];
    const marked = nodeAt(source, nextToken(source, end));
    if (!marked) throw new Error(`${file}: no syntax begins behind the marker "${id}"`);
    return { id, ...marked };
  });
}

/** Skips blanks and further comments. */
function nextToken({ text, comments }: Source, from: number): number {
  let at = from;
  for (;;) {
    while (/\s/.test(text.charAt(at))) at++;
    const comment = comments.find(({ start }) => start === at);
    if (!comment) return at;
    at = comment.end;
  }
}

/** The outermost node that begins at this place. */
function nodeAt({ root }: Source, at: number): Pick<Marker, 'node' | 'path'> | undefined {
  let found: Pick<Marker, 'node' | 'path'> | undefined;
  walk(root, (node, path) => {
    // A file begins where its first statement does.
    if (!found && node.start === at && node !== root) found = { node, path };
  });
  return found;
}

/** The product's source with its markers. */
export interface Product {
  /** The files that have markers, by their paths below the project's root. */
  files: ReadonlyMap<string, Source>;
  markers: ReadonlyMap<string, Marker & { file: string }>;
}

/** Reads the product's marked files. Throws if two markers have the same id. */
export function readProduct(root = ROOT): Product {
  const texts = new Map<string, string>();
  for (const folder of FOLDERS) {
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.ts') || name.endsWith('.test.ts')) continue;
      const text = readFileSync(join(root, folder, name), 'utf8');
      if (/\brule: /.test(text)) texts.set(join(folder, name), text);
    }
  }
  return productOf(texts);
}

export function productOf(texts: ReadonlyMap<string, string>): Product {
  const files = new Map([...texts].map(([file, text]) => [file, parseSource(file, text)]));
  const markers = new Map<string, Marker & { file: string }>();
  for (const [file, source] of files) {
    for (const marker of markersOf(file, source)) {
      const other = markers.get(marker.id);
      if (other) throw new Error(`the marker "${marker.id}" is in ${other.file} and in ${file}`);
      markers.set(marker.id, { ...marker, file });
    }
  }
  return { files, markers };
}
