// @vitest-environment happy-dom
import { expect, it } from 'vitest';

// As a page with a doctype: Temml looks for it when it is loaded.
Object.defineProperty(document, 'compatMode', { value: 'CSS1Compat' });
const { renderFormula } = await import('./formulas.ts');

function shown(tex: string): string | false {
  const element = document.createElement('span');
  return renderFormula(tex, element, false) && element.innerHTML;
}

it('a formula is shown as MathML up to 2,000 characters, which is more than anybody reads', () => {
  expect(shown('\\frac{a}{b}')).toContain('<mfrac>');
  expect(shown('x'.repeat(2000))).toContain('<math');
  expect(shown('x'.repeat(2001))).toBe(false);
});

it('what is none is not shown, and does not throw', () => {
  expect(shown('\\frac{a')).toBe(false);
});

it.each([
  ...['def', 'edef', 'gdef', 'xdef', 'let', 'futurelet', 'global', 'long', 'newcommand', 'renewcommand'],
  ...['providecommand', 'ref', 'eqref'],
])('a formula of an answer defines no macro and refers to nothing: \\%s', (name) => {
  for (const before of ['', 'a', '\\\\']) expect(shown(`${before}\\${name}{\\x}{y}`)).toBe(false);
});

it('a formula may have words that begin alike', () => {
  expect(shown('\\leq \\longrightarrow')).toContain('<math');
});
