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
});
