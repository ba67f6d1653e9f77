/**
 * Whether a key belongs to an input method that composes text: Enter then selects a word, Escape leaves the selection. Safari
 * ends the composition before the event of the key that confirms it. That event has `isComposing` false and the key code
 * 229, "processed by an input method" (WebKit bug 165004).
 */
export const isComposing = (event: KeyboardEvent): boolean => event.isComposing || event.keyCode === 229;
