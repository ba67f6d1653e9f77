import { SUMMARY_NOTE } from '../../core/events/prompt.ts';
import type { PromptMessage } from '../../core/model.ts';
import type { Evidence } from './evidence.ts';
import type { Stored } from './stored.ts';

/** Whether a prompt's message is a summary of earlier ones. */
export const isSummary = (message: PromptMessage): boolean =>
  message.role === 'user' && typeof message.content === 'string' && message.content.startsWith(SUMMARY_NOTE);

/**
 * P11: the prompts of a turn begin with the summary that its first report names, as it was stored, once. No entry that the
 * summary is about stands besides. Each summary is told of once, and is asked for in at most two turns.
 */
export function judgeSummaries(cloud: Evidence, stored: Stored): void {
  const { summaries } = cloud;
  if (!summaries) return;
  const events = [...cloud.committed.values()].sort((a, b) => a.seq - b.seq);
  const told = events.flatMap((event) => (event.type === 'compacted' ? event.to_entry : []));
  // A worker that died after it told of one leaves it to the transcript, whose entries may expire.
  if (new Set(told).size < told.length && !cloud.vanished?.size)
    cloud.violated('P11', `summaries were told of twice: ${told}`);
  for (const to of told)
    if (!summaries.has(to)) cloud.violated('P4', `the summary up to ${to} was told of, and is not stored`);
  const tries = stored.session?.compaction?.tries ?? 0;
  if (tries > 2) cloud.violated('P11', `a summary was tried ${tries} times`);
  for (const [i, call] of cloud.modelCalls.entries()) {
    if (!call.current) continue;
    const turn = cloud.committed.get(call.seq)?.turn;
    const report = events.find(
      (event) => event.type === 'history_trimmed' && event.turn === turn && event.seq <= call.seq,
    );
    const to = report?.type === 'history_trimmed' ? report.compacted_to : undefined;
    const messages = call.messages as PromptMessage[];
    const shown = messages.filter(isSummary);
    const expected = to === undefined ? [] : [summaries.get(to)];
    const isRight =
      shown.length === expected.length &&
      shown.every(
        (message, n) => JSON.stringify(message).includes(expected[n] ?? '-') && messages[0] === message,
      );
    if (!isRight) {
      cloud.violated(
        'P11',
        `model call ${i + 1} was shown ${JSON.stringify(shown)}, where the summary up to ${to} is ${expected}`,
      );
      return;
    }
    const said = JSON.stringify(messages.filter((message) => !isSummary(message)));
    const besides = stored.entries.find(
      (entry) =>
        entry.role === 'user' && entry.n <= (to ?? 0) && said.includes(JSON.stringify(entry.content)),
    );
    if (besides) cloud.violated('P11', `model call ${i + 1} has entry ${besides.n} beside its summary`);
  }
}
