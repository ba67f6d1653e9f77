import { describe, expect, it } from 'vitest';
import { type MessagesRequest, PromptCache } from './cache-rules.ts';
import { converse, priceOf, shareRead } from './conversation.ts';

const MARK = { cache_control: { type: 'ephemeral' } };
const block = (text: string, mark = {}) => ({ type: 'text', text: text.repeat(5000), ...mark });
const request = (...content: object[]): MessagesRequest => ({ messages: [{ role: 'user', content }] });

const usageOf = (
  input_tokens: number,
  cache_read_input_tokens: number,
  cache_creation_input_tokens: number,
) => ({
  input_tokens,
  cache_read_input_tokens,
  cache_creation_input_tokens,
});

describe('the cache of the stand-in', () => {
  it('gives what a mark has written, for five minutes after its last use', () => {
    let now = 0;
    const cache = new PromptCache(() => now);
    const size = cache.use(request(block('a', MARK))).cache_creation_input_tokens;
    expect(size).toBeGreaterThan(1024);
    for (let n = 0; n < 3; n++) {
      now += 299_000;
      expect(cache.use(request(block('a', MARK)))).toEqual(usageOf(0, size, 0));
    }
    now += 301_000;
    expect(cache.use(request(block('a', MARK)))).toEqual(usageOf(0, 0, size));
  });

  it('looks 20 blocks back from a mark, and no further', () => {
    const cache = new PromptCache(() => 0);
    cache.use(request(block('a', MARK)));
    const blocksAfter = (count: number) =>
      request(block('a'), ...Array.from({ length: count - 1 }, (_, n) => block(`${n}`)), block('z', MARK));
    expect(cache.use(blocksAfter(20)).cache_read_input_tokens).toBeGreaterThan(0);
    const other = new PromptCache(() => 0);
    other.use(request(block('a', MARK)));
    expect(other.use(blocksAfter(21)).cache_read_input_tokens).toBe(0);
  });

  it('writes no short prefix, gives none that differs, and refuses a fifth mark', () => {
    const cache = new PromptCache(() => 0);
    const short = { type: 'text', text: 'short', ...MARK };
    expect(cache.use(request(short)).cache_creation_input_tokens).toBe(0);
    cache.use(request(block('a', MARK)));
    expect(cache.use(request(block('b'), block('a', MARK))).cache_read_input_tokens).toBe(0);
    expect(() => cache.use(request(...Array(5).fill(block('a', MARK))))).toThrow('maximum of 4');
  });
});

describe('a conversation of 40 turns with tools, steering, a take-over and two cuts', () => {
  it('reads at least 90 % of its input from the cache after the first step, for a third of the price', async () => {
    const [marked, plain] = [await converse('auto'), await converse('off')];
    expect(marked.cuts).toBe(2);
    expect(new Set(marked.calls.map(({ turn }) => turn)).size).toBe(40);
    expect(shareRead(plain.calls)).toBe(0);
    expect(shareRead(marked.calls.slice(1))).toBeGreaterThanOrEqual(0.9);
    expect(priceOf(marked.calls)).toBeLessThan(priceOf(plain.calls) / 3);
  });

  it('reads as much with summaries of what is cut: the front of the prompts changes once more for each', async () => {
    const { calls, summaries } = await converse('auto', 'on');
    expect(summaries.length).toBeGreaterThanOrEqual(2);
    expect(new Set(calls.map(({ turn }) => turn)).size).toBe(40);
    expect(shareRead(calls.slice(1))).toBeGreaterThanOrEqual(0.9);
  });
});
