/** The functions that are used. The package brings no types. */
declare module 'js-yaml' {
  export function dump(value: unknown, options?: { lineWidth?: number; noRefs?: boolean }): string;
  export function load(text: string): unknown;
}
