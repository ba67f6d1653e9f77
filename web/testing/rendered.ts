import { act, createElement, type ReactNode } from 'react';
import { createRoot } from 'react-dom/client';
import { afterEach } from 'vitest';

/**
 * Renders parts of the page into a document that has no layout (happy-dom). A file that uses it begins with
 *
 *     // @vitest-environment happy-dom
 *
 * What needs layout, scrolling or a network is tested in test/browser.
 */

declare global {
  var IS_REACT_ACT_ENVIRONMENT: boolean | undefined;
}
globalThis.IS_REACT_ACT_ENVIRONMENT = true;

const mounted: (() => void)[] = [];
/** What follows each test. Before what a component reads is changed back. */
export function unmountAll(): void {
  for (const unmount of mounted.splice(0)) unmount();
}
afterEach(unmountAll);

export interface Rendered {
  root: HTMLElement;
  render(node: ReactNode): void;
  unmount(): void;
}

/** Renders a component, with its effects. It is unmounted after the test. */
export function rendered(node: ReactNode): Rendered {
  const root = document.body.appendChild(document.createElement('div'));
  const react = createRoot(root);
  const render = (next: ReactNode) => act(() => react.render(next));
  const unmount = () => {
    act(() => react.unmount());
    root.remove();
  };
  mounted.push(unmount);
  render(node);
  return { root, render, unmount };
}

/** Calls a hook as a component does. `current` is what it returned last, `renders` counts its calls. */
export function hookOf<P, T>(use: (props: P) => T, props: P) {
  const hook = { renders: 0 } as { current: T; renders: number };
  function Probe(given: { props: P }) {
    hook.current = use(given.props);
    hook.renders += 1;
    return null;
  }
  const { render, unmount } = rendered(createElement(Probe, { props }));
  return Object.assign(hook, {
    change: (next: P) => render(createElement(Probe, { props: next })),
    unmount,
  });
}

/** The element of this selector whose name, or text, is this. */
export function named(root: ParentNode, selector: string, name: string): HTMLElement {
  const all = [...root.querySelectorAll<HTMLElement>(selector)];
  const found = all.find((element) => nameOf(element) === name);
  if (found) return found;
  throw new Error(`There is no ${selector} named “${name}”, but: ${all.map(nameOf).join(', ')}.`);
}

const nameOf = (element: HTMLElement): string =>
  element.getAttribute('aria-label') ?? (element.textContent ?? '').trim();

export const press = (element: EventTarget, key: string, how: KeyboardEventInit = {}) => {
  const event = new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true, ...how });
  act(() => void element.dispatchEvent(event));
  return event;
};

export const click = (element: HTMLElement): void => act(() => element.click());

/** Types into a field what it then has. */
export function write(field: HTMLInputElement | HTMLTextAreaElement, text: string): void {
  const { set } = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), 'value') ?? {};
  act(() => {
    // Not by the property of the element itself, where React looks whether it was changed.
    set?.call(field, text);
    field.dispatchEvent(new Event('input', { bubbles: true }));
  });
}
