import { drop, replace } from '../../mutation/edits.ts';
import { LATE_DUPLICATES, type Mutant } from './mutant.ts';

/**
 * Mutants that no history catches.
 *
 * - `no-job-for-other-slot`: too rare for histories. A job is deleted only when its slot is over, so a slot that runs under another
 *   job still has its own; its place among the turns in flight is missing only if its opener died. `core/turn/other-slot.test.ts`
 *   catches it.
 * - `abandoned-messages-forgotten`: as rare. `core/turn/unstorable.test.ts` catches it.
 * - `entries-begin-again`: as rare. `core/turn/reopened-turn.test.ts` catches it.
 * - `retired-messages-forgotten`: as rare. `core/session/retire.test.ts` catches it.
 * - `return-from-any-target`: another rule catches the fault. A message that is accepted a second time is not applied, since
 *   its outcome is known then.
 * - `live-listener-left-behind`: the replay joins again, or the next worker has another function go on with it. The client is sent
 *   events twice, which only a history with faults may do. `core/session/go-live.test.ts` catches it.
 * - `always-without-event`: an `always` is lost with its turn, and nobody is asked less. It shows where a worker stored it and died
 *   before its event, and an abort came in between. `core/turn/always-and-abort.test.ts` catches it.
 * - `retire-unleased-without-outcomes`: so rare that 30,000 histories of this core do not show it. `core/session/retire.test.ts`
 *   catches it.
 * - `cache-notes-removed-early`: as rare. `core/session/deletion.test.ts` catches it.
 * - `join-session-only`: as rare. `core/session/go-live.test.ts` catches it.
 * - `entries-of-a-turn-with-a-hole`: as rare. `core/session/retire.test.ts` catches it.
 * - `live-on-an-ended-slot`: as rare. `core/session/go-live.test.ts` catches it.
 * - `job-not-unique`: as rare. `core/session/slots.test.ts` catches it.
 * - `later-events-recovered`: as rare. `core/turn/recover.test.ts` catches it.
 * - `place-of-running-turn-given-away`: a history has one session, which has one worker at a time whatever is counted.
 *   `core/session/turns-in-flight.test.ts` catches it.
 * - `expired-summary-shown`, `summary-outlives-its-entries`: no history lasts until a summary expires. `refused-summary-kept`: no
 *   provider refuses a prompt. `attempt-made-twice`: two workers ask, and one summary is stored. `summary-tried-for-ever`: the
 *   budgets of histories are passed again before a third attempt. `core/turn/compaction.test.ts` and `summaries.test.ts` catch them.
 * - `unprepared-turn-answers`: the agent's code in a history never fails. `test/agents/context.test.ts` catches it.
 * - `marks-forgotten`: no history is as long as marks are kept. `core/session/spend.test.ts` catches it.
 * - `mcp-session-of-all`: a history has no MCP server. `model/mcp/mcp.test.ts` catches it.
 *
 * `npm run sim -- --mutants --only <name> --count 200000` searches further.
 */
export const UNSEEN: readonly Mutant[] = [
  {
    name: 'marks-forgotten',
    breaks: 'the mark of a count is kept for as long as a function can still repeat it',
    edits: [replace('marks-outlast-their-writers', '{}')],
  },
  {
    name: 'summary-tried-for-ever',
    breaks: 'what a cut left out is summarised in two attempts or not at all',
    edits: [replace('attempts-are-bounded', 'true')],
  },
  {
    name: 'expired-summary-shown',
    breaks: 'a summary that has expired is not in the prompt',
    edits: [replace('summary-expires', 'true')],
  },
  {
    name: 'summary-outlives-its-entries',
    breaks: 'a summary expires with the first of the entries that it is made of',
    edits: [replace('summary-keeps-nothing-longer', ({ text }) => text.replace('Math.min(', 'Math.max(0, '))],
  },
  {
    name: 'refused-summary-kept',
    breaks: 'a prompt that is refused is sent again without the summary',
    edits: [replace('refused-summary-is-left-out', 'true')],
  },
  {
    name: 'attempt-made-twice',
    breaks: 'of two workers one asks for the summary',
    edits: [drop('attempt-demands-the-last-one')],
  },
  {
    name: 'unprepared-turn-answers',
    breaks: 'a turn that the agent could not prepare calls no model',
    edits: [replace('unprepared-turn-fails', 'false')],
  },
  {
    name: 'mcp-session-of-all',
    breaks: 'no caller uses the MCP session of another one',
    edits: [drop('mcp-session-of-one-caller')],
  },
  {
    name: 'place-of-running-turn-given-away',
    breaks: 'a slot that has work keeps its place',
    edits: [replace('place-kept-while-slot-has-work', 'false')],
  },
  {
    name: 'retire-unleased-without-outcomes',
    breaks: 'a slot is retired only after its undelivered outcomes are reported',
    faults: { pause: 0.03 },
    crowd: true,
    edits: [drop('retired-slot-reports-outcomes')],
  },
  {
    name: 'always-without-event',
    breaks: '`always` is an event, also if its turn was aborted before the worker saw it',
    approvals: true,
    crowd: true,
    faults: { crash: 0.04 },
    edits: [replace('always-outlives-abort', ({ alternate }) => alternate)],
  },
  {
    name: 'live-listener-left-behind',
    breaks: 'who goes live on a lane is live for the next worker too',
    edits: [drop('live-listeners-carried-over')],
  },
  {
    name: 'return-from-any-target',
    breaks: 'a message returns from the target that its lane names',
    crowd: true,
    faults: LATE_DUPLICATES,
    edits: [drop('return-from-named-target')],
  },
  {
    name: 'no-job-for-other-slot',
    breaks: 'a slot that runs under another job gets one of its own',
    edits: [drop('other-slot-gets-own-job')],
  },
  {
    name: 'cache-notes-removed-early',
    breaks: 'a cached answer is found from its session as long as a worker may still put it',
    edits: [replace('cache-notes-kept-to-the-end', 'true')],
  },
  {
    name: 'live-on-an-ended-slot',
    breaks: 'a connection goes live on a lane only while the slot runs that it was seen in',
    edits: [drop('live-while-slot-runs')],
  },
  {
    name: 'job-not-unique',
    breaks: 'the deduplication id of a job is unique per sender',
    edits: [replace('job-id-is-new', "'sender'")],
  },
  {
    name: 'later-events-recovered',
    breaks: 'a worker recovers a turn from the events of the lane that it claimed',
    edits: [replace('recovered-as-claimed', 'true')],
  },
  {
    name: 'join-session-only',
    breaks: 'a connection that joins listens on the active lane too',
    edits: [replace('join-includes-active-lane', ({ text }) => `{ ...${text}, change: [] }`)],
  },
  {
    name: 'entries-of-a-turn-with-a-hole',
    breaks: 'nobody writes entries of a turn of which an event is missing',
    edits: [replace('retired-turn-with-a-hole-has-no-entries', ({ consequent }) => consequent)],
  },
  {
    name: 'abandoned-messages-forgotten',
    breaks: 'messages of an abandoned turn have been taken',
    edits: [drop('abandoned-turn-has-taken-its-messages')],
  },
  {
    name: 'entries-begin-again',
    breaks: 'the number of the last entry of a lane never goes back',
    edits: [replace('entries-only-grow', ({ args: [entry = ''] }) => entry)],
  },
  {
    name: 'retired-messages-forgotten',
    breaks: 'messages of a turn of which an event is missing have been taken',
    edits: [drop('retired-turn-with-a-hole-has-taken-its-messages')],
  },
];
