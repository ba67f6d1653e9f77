/** The one function that is used. The package brings no types. */
declare module 'js-yaml' {
  export function dump(value: unknown, options?: { lineWidth?: number; noRefs?: boolean }): string;
}
