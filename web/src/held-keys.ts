/**
 * A key that is held down presses again and again. One press may move the focus: Enter in the field of a name to the button
 * that opened it, Escape from a dialog to the answer behind it. Its repetitions would act there, unasked. So they act nowhere,
 * except where they write text.
 *
 * @param target where keys are heard first: the window
 */
export function ignoreHeldKeys(target: Window): void {
  const onKey = (event: KeyboardEvent) => {
    if (!event.repeat || !acts(event)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  target.addEventListener('keydown', onKey, { capture: true });
}

/** Whether the key does something other than writing or moving. */
function acts({ key, shiftKey, target }: KeyboardEvent): boolean {
  const writes = target instanceof HTMLTextAreaElement || target instanceof HTMLInputElement;
  if (key === ' ') return !writes;
  return key === 'Escape' || (key === 'Enter' && !(writes && shiftKey));
}
