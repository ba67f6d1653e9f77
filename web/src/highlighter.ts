import { toJsxRuntime } from 'hast-util-to-jsx-runtime';
import { common, createLowlight } from 'lowlight';
import type { ReactNode } from 'react';
import { Fragment, jsx, jsxs } from 'react/jsx-runtime';

/** Loaded with the first block of code that names its language (`code-block.tsx`). */
const lowlight = createLowlight(common);

/**
 * The code with its parts in spans of classes `hljs-…`. Undefined if the language is none that is known, or if parts are nested deeper
 * than the stack.
 */
export function highlighted(code: string, language: string): ReactNode | undefined {
  if (!lowlight.registered(language)) return undefined;
  try {
    return toJsxRuntime(lowlight.highlight(language, code), { Fragment, jsx, jsxs });
  } catch (error) {
    // It would take the whole page with it, at each visit.
    console.warn('code could not be coloured', error);
    return undefined;
  }
}
