import { useLayoutEffect, useRef, useState } from 'react';
import type * as Formulas from './formulas.ts';

/** A formula in TeX, shown by the browser as MathML, which screen readers read. What is none is shown as it is written. */
export function Formula({
  tex,
  isBlock,
  formulas,
}: {
  tex: string;
  isBlock: boolean;
  formulas: typeof Formulas;
}) {
  const shown = useRef<HTMLSpanElement>(null);
  const [failed, setFailed] = useState<string>();
  const isUnderstood = failed !== tex;
  useLayoutEffect(() => {
    if (!shown.current || !isUnderstood) return;
    if (!formulas.renderFormula(tex, shown.current, isBlock)) setFailed(tex);
  }, [tex, isBlock, formulas, isUnderstood]);
  if (!isUnderstood) return <code>{tex}</code>;
  return isBlock ? (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: scrolling must work without a mouse
    <div className="formula-block" tabIndex={0} dir="ltr">
      <span ref={shown}>{tex}</span>
    </div>
  ) : (
    <span ref={shown} className="formula" dir="ltr" />
  );
}
