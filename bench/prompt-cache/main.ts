import { converse, priceOf, shareRead } from './conversation.ts';

/** What a conversation of 40 turns costs with and without marks for the provider's prompt cache. */
for (const promptCache of ['auto', 'off'] as const) {
  const { calls, cuts } = await converse(promptCache);
  const share = (shareRead(calls.slice(1)) * 100).toFixed(1);
  console.info(
    `MIDTURN_MODEL_PROMPT_CACHE=${promptCache}: ${calls.length} calls, ${cuts} cuts, ${share} % of the input after the first call read from the cache, ${priceOf(calls).toFixed(3)} USD`,
  );
}
