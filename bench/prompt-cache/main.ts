import { converse, priceOf, shareRead } from './conversation.ts';

/**
 * What a conversation of 40 turns costs with and without marks for the provider's prompt cache, and with summaries of what is cut.
 */
for (const [promptCache, compaction] of [
  ['auto', 'off'],
  ['auto', 'on'],
  ['off', 'off'],
] as const) {
  const { calls, summaries, cuts } = await converse(promptCache, compaction);
  const share = (shareRead(calls.slice(1)) * 100).toFixed(1);
  const summarised =
    compaction === 'on' ? `, and ${priceOf(summaries).toFixed(3)} USD for ${summaries.length} summaries` : '';
  console.info(
    `MIDTURN_MODEL_PROMPT_CACHE=${promptCache}, compaction ${compaction}: ${calls.length} calls, ${cuts} cuts, ${share} % of the input after the first call read from the cache, ${priceOf(calls).toFixed(3)} USD${summarised}`,
  );
}
