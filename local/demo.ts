import { stop as stopBundler } from 'esbuild';
import { wordsOf } from '../core/content.ts';
import type { HistoryEntry } from '../protocol/server-frames.ts';
import { startLocalCloud } from './cloud.ts';
import { DemoError } from './demo/connection.ts';
import { type DemoOutcome, haveConversation } from './demo/conversation.ts';
import { Printer, quote } from './demo/printer.ts';
import { brokenPromises, isEnd, isEvent } from './demo/promises.ts';
import { LocalCloudError } from './errors.ts';

/** `npm run demo`: a steering conversation in the terminal, frame by frame, on its own local cloud. */
async function main(): Promise<boolean> {
  console.log('Starting a local cloud with the demo model …');
  const cloud = await startLocalCloud();
  try {
    await stopBundler();
    console.log(
      `Ready at ${cloud.url}. Left: what you do (→) and what the server sends (←); # is an event's seq.`,
    );
    const printer = new Printer({ stream: process.stdout, now: () => performance.now() });
    try {
      const outcome = await haveConversation(cloud.url, printer);
      return summarize(outcome, printer);
    } finally {
      printer.end();
    }
  } finally {
    await cloud.close();
  }
}

function summarize(outcome: DemoOutcome, printer: Printer): boolean {
  const { frames, transcript, missed } = outcome;
  for (const entry of transcript) printer.line(`${String(entry.n).padStart(4)}  ${describe(entry)}`);
  const broken = brokenPromises(outcome);
  if (broken.length > 0) {
    for (const line of broken) printer.line(`BROKEN  ${line}`);
    return false;
  }
  const last = frames.findLast(isEvent)?.seq ?? 0;
  printer.say('Held:');
  for (const end of frames.filter(isEnd)) {
    const own = frames.filter((frame) => frame.type === 'chunk' && frame.turn_id === end.turn_id);
    const chunks = new Set(own.filter(isEvent).map(({ seq }) => seq));
    printer.line(
      `  ✓ concat(${chunks.size} chunks) == full_response == transcript, ${end.full_response?.length ?? 0} characters`,
    );
  }
  printer.line(
    `  ✓ events #1 to #${last} without a hole, over two connections; ${missed} replayed by resume`,
  );
  printer.line(
    `  ✓ each of the ${outcome.sent.length} messages is in the transcript once, where it was taken in`,
  );
  return true;
}

function describe(entry: HistoryEntry): string {
  const role = entry.role.padEnd(12);
  switch (entry.role) {
    case 'user':
      return `${role} ${entry.id}  ${quote(wordsOf(entry.content))}`;
    case 'assistant':
      return `${role} ${quote(entry.content)}`;
    case 'tool_call':
      return `${role} ${entry.name} ${JSON.stringify(entry.args)}`;
    case 'tool_result':
      return `${role} ${entry.name} ${JSON.stringify(entry.output)}`;
    case 'event':
      return `${role} ${entry.event.type}`;
  }
}

main().then(
  (held) => {
    if (!held) console.error('demo: a promise does not hold, see above.');
    process.exitCode = held ? 0 : 1;
  },
  (error: unknown) => {
    const expected = error instanceof DemoError || error instanceof LocalCloudError;
    console.error(expected ? `demo: ${error.message}` : error);
    process.exitCode = 1;
  },
);
