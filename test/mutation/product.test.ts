import { describe, expect, it } from 'vitest';
import { VARIANTS } from '../conformance/variants.ts';
import { MUTANTS, UNSEEN } from '../simulation/mutants.ts';
import { applyEdits, type Edit } from './edits.ts';
import { type Product, productOf, readProduct } from './markers.ts';
import { renameLocals } from './rename.ts';
import { typeCheck } from './type-check.ts';

interface Fault {
  name: string;
  edits: readonly Edit[];
  files?: Readonly<Record<string, string>>;
}

/** A mutant and a variant may have the same name. */
const faults: readonly Fault[] = [
  ...[...MUTANTS, ...UNSEEN].map((mutant) => ({ ...mutant, name: `mutant ${mutant.name}` })),
  ...VARIANTS.map((variant) => ({ ...variant, name: `variant ${variant.name}` })),
];

const product = readProduct();

const copiesOf = (source: Product) =>
  new Map(
    faults.map(({ name, edits, files = {} }) => [
      name,
      new Map([...applyEdits(edits, source), ...Object.entries(files)]),
    ]),
  );

describe('mutants and variants', () => {
  it('have names of their own', () => {
    expect(new Set(faults.map(({ name }) => name)).size).toBe(faults.length);
  });

  it('name markers that are in the source, and every marker is named by one', () => {
    const named = new Set(faults.flatMap(({ edits }) => edits.map(({ at }) => at)));
    // An edit can take text from a further marker.
    const read = new Set<string>();
    const watched = { ...product, markers: watching(product.markers, read) };
    for (const { edits } of faults) applyEdits(edits, watched);
    expect([...named].filter((id) => !product.markers.has(id))).toEqual([]);
    expect([...product.markers.keys()].filter((id) => !read.has(id))).toEqual([]);
  });

  it('compile: none is caught because of a name that does not exist', async () => {
    expect(await typeCheck(copiesOf(product))).toEqual([]);
  });

  it('apply and compile after every local name of a marked file is changed', async () => {
    const texts = new Map(
      [...product.files].map(([file, { text }]) => [file, renameLocals(file, text)] as const),
    );
    const renamed = productOf(texts);
    expect([...renamed.markers.keys()]).toEqual([...product.markers.keys()]);
    expect(texts.get('core/store/lane/commit.ts')).toContain('equals as equalsRenamed');
    const each = [...texts].map(([file, text]) => [`renamed ${file}`, new Map([[file, text]])] as const);
    expect(await typeCheck(new Map([...each, ...copiesOf(renamed)]))).toEqual([]);
  });
});

/** The same map, which notes the keys that are read. */
function watching<V>(map: ReadonlyMap<string, V>, read: Set<string>): ReadonlyMap<string, V> {
  const copy = new Map(map);
  copy.get = (key) => {
    read.add(key);
    return map.get(key);
  };
  return copy;
}
