/** What a fake service answers. */
export interface Reply {
  /** @default 200 */
  status?: number;
  headers?: Readonly<Record<string, string>>;
  body?: string | Buffer;
}
