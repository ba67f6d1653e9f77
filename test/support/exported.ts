import { expect } from 'vitest';
import type { WsClient } from './ws-client.ts';

/** Asks for a session's transcript, page by page. @returns its lines of JSON, and how many pages it took */
export async function exported(
  client: WsClient,
  session: string,
): Promise<{ lines: unknown[]; pages: number }> {
  let text = '';
  for (let pages = 1, after: string | undefined; ; pages++) {
    client.send({ type: 'export', session_id: session, ...(after !== undefined && { after }) });
    const { data, next } = await client.next('export');
    text += data;
    if (next === undefined) {
      expect(text.endsWith('\n')).toBe(true);
      return {
        lines: text
          .trimEnd()
          .split('\n')
          .map((line) => JSON.parse(line) as unknown),
        pages,
      };
    }
    after = next;
  }
}
