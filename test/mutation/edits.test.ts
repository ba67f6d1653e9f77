import { describe, expect, it } from 'vitest';
import { applyEdits, drop, type Edit, replace } from './edits.ts';
import { productOf } from './markers.ts';

const FILE = 'core/some.ts';

/** The source after the edits, without its markers. */
function edited(text: string, ...edits: Edit[]): string | undefined {
  const product = productOf(new Map([[FILE, text]]));
  return applyEdits(edits, product)
    .get(FILE)
    ?.replace(/\/\* rule: [\w-]+ \*\/ |\/\/ rule: [\w-]+\n/g, '');
}

describe('drop', () => {
  it.each([
    ['an array element', 'f([/* rule: a */ x, y]);', 'f([ y]);'],
    ['the last array element', 'f([x, /* rule: a */ ...y]);', 'f([x, ]);'],
    ['an element before a comment', 'f([\n// rule: a\nx, // why\ny]);', 'f([\n // why\ny]);'],
    ['an argument', 'f(/* rule: a */ x, y);', 'f( y);'],
    ['a property', 'f({ /* rule: a */ x: 1, y });', 'f({  y });'],
    ['a statement', 'f();\n// rule: a\nif (x) g();\nh();', 'f();\n\nh();'],
    ['a statement that is the body of another', 'if (x) /* rule: a */ f();', 'if (x) {}'],
    ['the right operand of ||', 'f(x || /* rule: a */ (y && z));', 'f(x);'],
    ['an operand between others', 'f(x && /* rule: a */ y && z);', 'f(x && z);'],
  ])('removes %s', (_, text, result) => {
    expect(edited(text, drop('a'))).toBe(result);
  });

  it('refuses what cannot be left out', () => {
    expect(() => edited('f(x + /* rule: a */ y);', drop('a'))).toThrow('cannot drop Identifier');
  });
});

describe('replace', () => {
  it('replaces the outermost syntax behind the marker', () => {
    expect(edited('f(/* rule: a */ (await x) ?? y, z);', replace('a', 'w'))).toBe('f(w, z);');
  });

  it('gives the parts of the syntax', () => {
    const text = '// rule: a\nconst f = await g(x, ...y);';
    expect(
      edited(
        text,
        replace('a', ({ callee, args }) => `${callee}(${args.join()});`),
      ),
    ).toBe('g(x,...y);');
    const condition = 'f(/* rule: a */ x ? y : z);';
    expect(
      edited(
        condition,
        replace('a', ({ test, alternate }) => `${test} || ${alternate}`),
      ),
    ).toBe('f(x || z);');
    const property = 'f({ /* rule: a */ x });';
    expect(
      edited(
        property,
        replace('a', ({ key, value }) => `${key}: [${value}]`),
      ),
    ).toBe('f({ x: [x] });');
  });

  it('gives the syntax behind another marker', () => {
    const text = '// rule: a\nf();\n// rule: b\nconst x = g(y);';
    expect(
      edited(
        text,
        replace('a', ({ text }, other) => `h(${other('b').args});${text}`),
      ),
    ).toContain('h(y);f();');
  });

  it('refuses a part that the syntax does not have', () => {
    const edit = replace('a', ({ consequent }) => consequent);
    expect(() => edited('f(/* rule: a */ x + y);', edit)).toThrow('no consequent in: x + y');
  });
});

describe('an edit', () => {
  it('is refused if its marker is not in the source', () => {
    expect(() => edited('f();', drop('gone'))).toThrow('no marker "gone"');
  });

  it('is refused if it changes nothing, or if the result is no TypeScript', () => {
    expect(() => edited('f(/* rule: a */ x);', replace('a', 'x'))).toThrow('changes nothing');
    expect(() => edited('f(/* rule: a */ x);', replace('a', '('))).toThrow(FILE);
  });

  it('is refused if it is within another edit', () => {
    const text = 'f(/* rule: a */ [/* rule: b */ x]);';
    expect(() => edited(text, replace('a', '1'), drop('b'))).toThrow('overlap');
  });
});

describe('a marker', () => {
  it('occurs once in the source', () => {
    const text = '/* rule: a */ f();\n/* rule: a */ g();';
    expect(() => productOf(new Map([[FILE, text]]))).toThrow('the marker "a" is in');
  });

  it('is a comment, not a text', () => {
    expect(productOf(new Map([[FILE, "f('/* rule: a */', x);"]])).markers.size).toBe(0);
  });
});
