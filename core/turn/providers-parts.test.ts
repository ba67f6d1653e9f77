import { describe, expect, it } from 'vitest';
import type { TurnEvent } from '../events/events.ts';
import { frameOf, numbered } from '../events/events.ts';
import { asTurnId } from '../ids.ts';
import { ProvidersParts } from './providers-parts.ts';

const TURN = asTurnId('t');
const given = (events: readonly TurnEvent[] = []) => new ProvidersParts({ events }, (id) => `${id}_2`);

describe('what a model call gives beside text and calls', () => {
  it('P13: is a call and its one result under one id, also of a later model call', () => {
    const own = given();
    const call = { id: 'a', name: 'search', args: {} };
    const result = { type: 'provider_result', id: 'a', name: 'search', output: 'x', isError: false } as const;
    const [called] = own.run({ type: 'provider_call', ...call });
    expect(called).toMatchObject({ type: 'tool_call', id: 'a_2', provider_executed: true });
    expect(own.run(result)).toMatchObject([{ type: 'tool_result', id: 'a_2', provider_executed: true }]);
    expect(own.run(result)).toEqual([]);
    const open = numbered({ type: 'tool_call', ...call, provider_executed: true }, 1, TURN);
    expect(given([open]).run(result)).toMatchObject([{ type: 'tool_result', id: 'a' }]);
  });

  it('names each source once, and none that a browser would run', () => {
    const own = given();
    const page = { kind: 'url', url: 'https://example.com/', title: 'A' } as const;
    own.addSource(page);
    own.addSource({ ...page, title: 'Again' });
    own.addSource({ kind: 'url', url: 'javascript:alert(1)' });
    own.addSource({ kind: 'url', url: `https://example.com/${'x'.repeat(5000)}` });
    own.addSource({ kind: 'document', mediaType: 'application/pdf', title: 'é'.repeat(900) });
    const drafts = own.drain();
    expect(drafts).toMatchObject([
      { source_id: 'source-1', url: 'https://example.com/' },
      { source_id: 'source-2', source_type: 'document' },
    ]);
    expect(own.drain()).toEqual([]);
  });

  it('P9: fits into a frame, however large a file is', () => {
    const own = given();
    for (const bytes of [15_000, 15_001, 3_000_000])
      own.addFile({ type: 'file', mediaType: 'image/png', data: Buffer.alloc(bytes).toString('base64') });
    const events = own.drain().map((draft, i) => numbered(draft, i + 1, TURN));
    expect(events).toMatchObject([
      { bytes: 15_000, data: expect.any(String) },
      { bytes: 15_001, omitted: 'too_large' },
      { bytes: 3_000_000, omitted: 'too_large' },
    ]);
    for (const event of events) expect(frameOf(event, () => '').length).toBeLessThan(25_000);
  });

  it.each(['x', 'é', '€', '😀', '"'])(
    'cuts titles to 500 bytes of JSON, in whole characters: of %s',
    (unit) => {
      const jsonBytes = (text: string) => Buffer.byteLength(JSON.stringify(text)) - 2;
      for (const count of [100, 125, 250, 251, 500, 501, 900]) {
        const title = unit.repeat(count);
        const own = given();
        own.addSource({ kind: 'document', mediaType: title, title, filename: title });
        own.addSource({ kind: 'url', url: 'https://example.com/', title });
        const fits = jsonBytes(title) <= 500;
        for (const draft of own.drain()) {
          if (draft.type !== 'source') throw new Error(draft.type);
          for (const cut of [draft.title, draft.filename ?? title, draft.media_type ?? title]) {
            if (fits) expect(cut).toBe(title);
            else if (cut !== title) expect(jsonBytes(`${cut}${unit}`)).toBeGreaterThan(500);
          }
          const texts = [draft.title ?? '', draft.filename ?? '', draft.media_type ?? ''];
          for (const text of texts)
            expect([jsonBytes(text) <= 500, text.isWellFormed()]).toEqual([true, true]);
        }
      }
    },
  );

  it('names pages of up to 4,096 characters, and 200 sources of a call', () => {
    const own = given();
    const urlOf = (length: number) => 'https://example.com/'.padEnd(length, 'x');
    for (const length of [4097, 4096, 4095]) own.addSource({ kind: 'url', url: urlOf(length) });
    for (let n = 0; n < 300; n++) own.addSource({ kind: 'url', url: `http://example.com/${n}` });
    const drafts = own.drain();
    expect(drafts.slice(0, 2)).toMatchObject([{ url: urlOf(4096) }, { url: urlOf(4095) }]);
    expect(drafts).toHaveLength(200);
    own.addSource({ kind: 'url', url: 'https://example.com/one-more' });
    expect(own.drain()).toEqual([]);
  });

  it('has an id for each source that no other one of the turn has', () => {
    const page = (n: number) => ({ kind: 'url', url: `https://example.com/${n}` }) as const;
    const first = given();
    for (const n of [1, 2]) first.addSource(page(n));
    const events = first.drain().map((draft, i) => numbered(draft, i + 1, TURN));
    const second = given(events);
    for (const n of [1, 3]) second.addSource(page(n));
    const ids = [...events, ...second.drain()].map((event) => event.type === 'source' && event.source_id);
    expect(ids).toEqual(['source-1', 'source-2', 'source-3', 'source-4']);
  });
});
