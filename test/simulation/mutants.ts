import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import type { HistoryOptions } from './history.ts';

/**
 * Single faults, put into the product's source as it is loaded. The simulation must catch each: one that survives is a
 * hole in the judge, or a rule that is not needed.
 */
export interface Mutant {
  name: string;
  /** What is no longer true. */
  breaks: string;
  /** What its histories are full of, where the rule is needed only then. */
  faults?: HistoryOptions['faults'];
  /** Needed only where devices steer one another's turns. */
  crowd?: true;
  /** Needed only where people approve or deny. */
  approvals?: true;
  patches: readonly (readonly [file: string, find: string, replace: string])[];
}

const core = 'lambdas/core';

/** Every sixth write reaches the store once more, up to three seconds later. */
export const LATE_DUPLICATES = { ghost: 0.15 };

export const MUTANTS: readonly Mutant[] = [
  {
    name: 'forgets-where-it-answered',
    breaks: 'a known answer is found from its session as long as a dying worker may still put it',
    patches: [
      [
        `${core}/deletion.ts`,
        'const isLast = core.clock.now() >= at + LAST_WRITE_MS;',
        'const isLast = until > 0;',
      ],
    ],
  },
  {
    name: 'runs-unapproved',
    breaks: 'a call that needs approval waits for it',
    approvals: true,
    patches: [
      [
        `${core}/turn/tools.ts`,
        'const free = without(await ask(hold, context, calls), calls);',
        'await ask(hold, context, calls);\n  const free = calls;',
      ],
    ],
  },
  {
    name: 'takes-over-unapproved',
    breaks: 'also a call that a dead worker left behind waits for its approval',
    approvals: true,
    patches: [[`${core}/turn/tools.ts`, 'const free = without(requests, calls);', 'const free = calls;']],
  },
  {
    name: 'too-late-to-be-heard',
    breaks: 'a request is late only if nobody has answered it',
    approvals: true,
    patches: [
      [
        `${core}/turn/approvals.ts`,
        "when.push(absent(['decisions', request.id]));\n      drafts.push(resolvedBy(request, { decision: 'deny' }, 'timeout'));",
        "drafts.push(resolvedBy(request, { decision: 'deny' }, 'timeout'));",
      ],
    ],
  },
  {
    name: 'decided-twice',
    breaks: 'the first answer to a request counts',
    approvals: true,
    patches: [
      [
        `${core}/lane-writes.ts`,
        "exists(['approvals', request]), absent(['decisions', request])",
        "exists(['approvals', request])",
      ],
    ],
  },
  {
    name: 'stopped-and-not-denied',
    breaks: 'what a stopped turn waits for is denied',
    approvals: true,
    patches: [[`${core}/turn/tools.ts`, '[...denials(hold), ...results]', 'results']],
  },
  {
    name: 'answers-whatever-is-asked',
    breaks: 'a known answer is given to the same prompt alone',
    patches: [
      [`${core}/turn/response-cache.ts`, 'model.fingerprint, messages as Json]', 'model.fingerprint]'],
    ],
  },
  {
    name: 'passes-for-an-answer',
    breaks: 'a turn says that its answer was known',
    patches: [[`${core}/turn/ending.ts`, '...(meter.cached && { cached: meter.cached }),', '']],
  },
  {
    name: 'keeps-half-an-answer',
    breaks: 'an answer is kept only as it ends a turn, after one call',
    patches: [
      [
        `${core}/turn/response-cache.ts`,
        'asked !== 1 || hold.meter.steps > 0 || !hold.events.every(isBefore)',
        'asked < 1',
      ],
      [`${core}/turn/response-cache.ts`, 'messages as Json])', 'messages.slice(0, 1) as Json])'],
    ],
  },
  {
    name: 'asks-the-first-again',
    breaks: 'a turn that has changed its model goes on with the second one',
    patches: [
      [
        `${core}/turn/fallback.ts`,
        '? { model: fallback, from: changed.fallback_from } : { model }',
        '? { model, from: changed.fallback_from } : { model }',
      ],
    ],
  },
  {
    name: 'changes-again-and-again',
    breaks: 'a turn changes its model once',
    patches: [[`${core}/turn/fallback.ts`, 'if (!fallback || from !== undefined ||', 'if (!fallback ||']],
  },
  {
    name: 'sees-everything',
    breaks: 'earlier turns have a budget in the prompt',
    patches: [
      [`${core}/turn/context-window.ts`, 'if (bytes > maxTokens * BYTES_PER_TOKEN)', 'if (bytes < 0)'],
    ],
  },
  {
    name: 'keeps-half-a-turn',
    breaks: 'earlier turns are in the prompt whole or not at all',
    patches: [
      [
        `${core}/turn/context-window.ts`,
        'entries.filter((other) => other.turn !== cut).reverse()',
        "entries.filter(() => cut !== '').reverse()",
      ],
    ],
  },
  {
    name: 'leaves-out-unsaid',
    breaks: 'a turn says that the model does not see what came before',
    patches: [[`${core}/turn/turn.ts`, 'if (await tellTrimmed(hold, before)) continue;', '']],
  },
  {
    name: 'waits-for-a-silent-model',
    breaks: 'a model that says nothing is cut',
    patches: [[`${core}/turn/model-call.ts`, '>= settings.stallMs', '>= Number.MAX_SAFE_INTEGER']],
  },
  {
    name: 'removed-once',
    breaks: 'a deleted session is removed again when nobody can write for it any more',
    patches: [
      [
        `${core}/deletion.ts`,
        'await core.queues.sendDeletion({ session, at, until: at + LAST_WRITE_MS }, MAX_DELAY_SECONDS);',
        '',
      ],
    ],
  },
  {
    name: 'lanes-left-open',
    breaks: 'every lane of a deleted session is closed before that is answered',
    patches: [
      [`${core}/deletion.ts`, 'if (buried) await closeSession(core, session, buried, by);', 'void by;'],
    ],
  },
  {
    name: 'deleted-without-last-words',
    breaks: 'a turn that runs ends when its session is deleted',
    patches: [
      [
        `${core}/deletion.ts`,
        'const end = await lastWords(core, lane);',
        'const end = undefined as TurnEvent | undefined;',
      ],
    ],
  },
  {
    name: 'pending-go-unsaid',
    breaks: 'what pends in a deleted session is withdrawn, and its sender told',
    patches: [
      [
        `${core}/lane-writes.ts`,
        "...gone.map(([id, message]) => set<Lane>(['notices', id], noticeOf(message, 'SESSION_DELETED'))),\n      set('seq', seq),",
        "set('seq', seq),",
      ],
    ],
  },
  {
    name: 'alive-again',
    breaks: 'a deleted session lets nobody in',
    patches: [
      [
        `${core}/session-writes.ts`,
        "const alive = absent<Session>('deleted');",
        "const alive = exists<Session>('principal');",
      ],
    ],
  },
  {
    name: 'listeners-go-unsaid',
    breaks: 'whoever listens to a session is told that it is deleted',
    patches: [[`${core}/deletion.ts`, 'if (lane.connection !== by)', 'if (by === lane.session)']],
  },
  {
    name: 'listed-for-a-day',
    breaks: 'a session is in its list for as long as it is there',
    patches: [[`${core}/core.ts`, 'listing: session + 30 * DAY,', 'listing: now + DAY,']],
  },
  {
    name: 'closed-as-it-was',
    breaks: 'a lane is closed as it was read: what a worker commits meanwhile is not lost',
    patches: [
      [
        `${core}/lane-writes.ts`,
        "      equals('seq', lane.seq),\n      ...messagesAsRead(lane),\n      ...Object.keys(lane.waiting)",
        '      ...messagesAsRead(lane),\n      ...Object.keys(lane.waiting)',
      ],
    ],
  },
  {
    name: 'post-before-commit',
    breaks: 'an event is durable before it is posted',
    patches: [
      [
        `${core}/turn/hold.ts`,
        '    const written = await',
        '    await this.#post(events);\n    const written = await',
      ],
    ],
  },
  {
    name: 'a-part-of-a-message-lost',
    breaks: 'content is taken in as it was sent, part for part',
    patches: [
      [
        `${core}/turn/take-in.ts`,
        '({ id, content, at }) => ({ id, content, at })',
        "({ id, content, at }) => ({ id, content: typeof content === 'string' ? content : content.slice(-1), at })",
      ],
    ],
  },
  {
    name: 'prompt-without-images',
    breaks: 'the model is shown what the transcript holds',
    patches: [
      [
        `${core}/prompt.ts`,
        "messages.push({ role: 'user', content: entry.content });",
        "messages.push({ role: 'user', content: typeof entry.content === 'string' ? entry.content : entry.content.filter(({ type }) => type === 'text') });",
      ],
    ],
  },
  {
    name: 'commit-without-hold',
    breaks: 'a commit demands that the lane is mine',
    patches: [[`${core}/lane-writes.ts`, "equals('holder', me), equals('seq', from)", "equals('seq', from)"]],
  },
  {
    name: 'commit-without-seq',
    breaks: 'a commit demands the seq that it extends',
    patches: [
      [`${core}/lane-writes.ts`, "equals('holder', me), equals('seq', from)", "equals('holder', me)"],
    ],
  },
  {
    name: 'shared-holder',
    breaks: 'the value that holds a lane is new with each claim',
    patches: [[`${core}/turn/hold.ts`, 'const me = core.newId();', "const me = 'worker';"]],
  },
  {
    name: 'mark-of-the-holder',
    breaks: 'the mark of a commit is new with each commit',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: source text
    patches: [[`${core}/turn/hold.ts`, '`${this.#me}:${++this.#commits}`', '`${this.#me}`']],
  },
  {
    name: 'claim-without-slot',
    breaks: 'the claim demands that the slot is the current one of its lane',
    patches: [
      [
        `${core}/lane-writes.ts`,
        "when: [equals('slot', slot), equals('seq', seq)],",
        "when: [equals('seq', seq)],",
      ],
    ],
  },
  {
    name: 'activate-without-check',
    breaks: 'another active slot is run to its end first',
    patches: [
      [
        `${core}/session-writes.ts`,
        "[exists('queue'), alive, any(absent('active'), equals(['active', 'slot'], slot))]",
        "[exists('queue'), alive]",
      ],
    ],
  },
  {
    name: 'active-while-it-waits',
    breaks: 'what waits behind its own lane’s turn is not the active slot',
    patches: [
      [`${core}/turn/worker.ts`, 'await core.store.update(sessionKey(session), standAside(slot));', ''],
    ],
  },
  {
    name: 'take-in-without-demand',
    breaks: 'a message that is taken in must still be there',
    patches: [[`${core}/lane-writes.ts`, "when: ids.map((id) => exists(['inbox', id])),", 'when: [],']],
  },
  {
    name: 'finish-on-full-inbox',
    breaks: 'a turn ends only on an empty inbox',
    patches: [[`${core}/lane-writes.ts`, "when: [sizeIs('inbox', 0), ", 'when: [']],
  },
  {
    name: 'finish-without-waiting',
    breaks: 'a turn ends with the waiting head as it was read',
    patches: [[`${core}/lane-writes.ts`, "when: [sizeIs('waiting', 0)],", 'when: [],']],
  },
  {
    name: 'drop-a-claimed-turn',
    breaks: 'a refusal demands that no worker holds the turn',
    patches: [
      [
        `${core}/lane-writes.ts`,
        "      absent('holder'),\n      ...messagesAsRead(lane),",
        '      ...messagesAsRead(lane),',
      ],
    ],
  },
  {
    name: 'drop-not-as-read',
    breaks: 'a refusal demands the inbox as it was read',
    patches: [
      [
        `${core}/lane-writes.ts`,
        "      absent('holder'),\n      ...messagesAsRead(lane),",
        "      absent('holder'),",
      ],
    ],
  },
  {
    name: 'follow-up-in-a-slot-of-its-own',
    breaks: 'what an aborted turn left runs in the same slot, under the same token',
    patches: [
      [`${core}/lane-writes.ts`, "set('turn', followUp),", "set('turn', followUp), set('slot', followUp),"],
    ],
  },
  {
    name: 'no-notice',
    breaks: 'the fate of a withdrawn message stays until it was told',
    patches: [
      [
        `${core}/lane-writes.ts`,
        "    add('bytes', -contentBytes(message)),\n    set(['notices', id], noticeOf(message, 'cancelled')),",
        "    add('bytes', -contentBytes(message)),",
      ],
    ],
  },
  {
    name: 'fate-not-read-before-accept',
    breaks: 'a message whose fate is known is answered so',
    patches: [
      [
        `${core}/inbound/message.ts`,
        'frame.id === undefined ? undefined : await core.store.get(messageKey(session, id))',
        'frame.id === undefined ? undefined : (await core.store.get(messageKey(session, id)), undefined)',
      ],
    ],
  },
  {
    name: 'fate-not-read-at-take-in',
    breaks: 'a message that came back late is known at the take-in',
    patches: [
      [
        `${core}/turn/take-in.ts`,
        'fates.set(id, await core.store.get(messageKey(session, id)));',
        'fates.set(id, undefined);',
      ],
    ],
  },
  {
    name: 'fate-by-own-notion',
    breaks: 'what a client is told is what MESSAGE says',
    patches: [[`${core}/fates.ts`, 'return (await core.store.get(key)) ?? fate;', 'return fate;']],
  },
  {
    name: 'fate-never-taken',
    breaks: 'a message that was taken in is known as such for a day',
    patches: [
      [`${core}/journal.ts`, "if (entry.role === 'user') {", "if (entry.role === 'user' && entry.n < 0) {"],
    ],
  },
  {
    name: 'no-previous-ids',
    breaks: 'a lane remembers the ids of its previous turn',
    faults: LATE_DUPLICATES,
    patches: [[`${core}/lane-writes.ts`, "set('prev', lane.ids)", "set('prev', {})"]],
  },
  {
    name: 'token-not-unique',
    breaks: 'the deduplication id is unique per sender',
    patches: [
      [
        `${core}/slots.ts`,
        'admitSlot(core, token),\n    core.queues.sendToken(token, core.newId()),',
        "admitSlot(core, token),\n    core.queues.sendToken(token, 'sender'),",
      ],
    ],
  },
  {
    name: 'acknowledge-without-opening',
    breaks: 'whoever acknowledges on an unclaimed turn opens it',
    patches: [
      [
        `${core}/inbound/acknowledge.ts`,
        'if (slot !== undefined) {',
        "if (slot !== undefined && !duplicate && landed.placement !== 'steering') {",
      ],
    ],
  },
  {
    name: 'token-deleted-too-early',
    breaks: 'a token is deleted only when its slot is over',
    patches: [[`${core}/turn/worker.ts`, '!holds(lane, slot)', 'lane.slot !== slot']],
  },
  {
    name: 'fenced-reports-success',
    breaks: 'a fenced worker reports failure',
    patches: [[`${core}/turn/worker.ts`, "return 'fenced';\n  } finally", "return 'over';\n  } finally"]],
  },
  {
    name: 'hand-over-reports-success',
    breaks: 'a turn that is handed over keeps its token',
    patches: [
      [`${core}/turn/worker.ts`, '      await hold.handOver();\n      return end;', "      return 'over';"],
    ],
  },
  {
    name: 'no-pruning',
    breaks: 'slots that their lanes no longer hold make room',
    patches: [
      [
        `${core}/slots.ts`,
        "return (await pruneQueue(core, session, read)) ? undefined : 'SESSION_QUEUE_FULL';",
        "return 'SESSION_QUEUE_FULL';",
      ],
    ],
  },
  {
    name: 'roll-without-spill',
    breaks: 'a slot is rolled only after its tail is in EVENTS',
    patches: [[`${core}/turn/worker.ts`, '  await hold.spill();\n  // And posted', '  // And posted']],
  },
  {
    name: 'roll-over-without-spill',
    breaks: 'so it is when another rolls it',
    patches: [[`${core}/roll.ts`, 'await spillEvents(core, session, left);', '']],
  },
  {
    name: 'roll-over-without-fates',
    breaks: 'so are its withdrawn messages’ fates told',
    faults: { pause: 0.03 },
    crowd: true,
    patches: [[`${core}/roll.ts`, '    await tellFates(core, laneId, lane);\n', '']],
  },
  {
    name: 'revived-turn-goes-on',
    breaks: 'a turn that a late request revived gets a new id',
    faults: { ghost: 0.3 },
    crowd: true,
    patches: [[`${core}/turn/turn.ts`, '  if (hold.isRevived) await renew(hold, context);\n', '']],
  },
  {
    name: 'roll-over-without-posts',
    breaks: 'what may not have been posted is posted again',
    patches: [
      [
        `${core}/roll.ts`,
        'await broadcast.send(await Promise.all(left.map((event) => storedFrame(core, session, event, stored))));',
        '',
      ],
    ],
  },
  {
    name: 'roll-of-another',
    breaks: 'a roll demands that the slot is the active one',
    faults: LATE_DUPLICATES,
    patches: [
      [
        `${core}/session-writes.ts`,
        "when: [equals(['active', 'slot'], slot), equals('seq', read.seq)]",
        "when: [equals('seq', read.seq)]",
      ],
    ],
  },
  {
    name: 'spill-under-the-first-seq',
    breaks: 'EVENTS items are keyed by their last seq',
    patches: [
      [`${core}/journal.ts`, '    last = event.seq;', '    if (batch.length === 1) last = event.seq;'],
    ],
  },
  {
    name: 'tail-cleared-unspilled',
    breaks: 'an event leaves the tail only after it was spilled',
    patches: [
      [
        `${core}/turn/hold.ts`,
        'const kept = this.#unspilled();',
        'const kept = this.#unspilled().filter(({ seq }) => seq > this.#seq);',
      ],
    ],
  },
  {
    name: 'take-over-without-entries',
    breaks: 'entries that a dead worker did not write are written',
    patches: [
      [
        `${core}/turn/hold.ts`,
        '    await this.writeEntries();\n    const unposted',
        '    this.#entriesWritten = entriesOf(this.events).length;\n    const unposted',
      ],
    ],
  },
  {
    name: 'audience-of-the-lane-alone',
    breaks: 'listeners of the session are heard at every start',
    patches: [[`${core}/turn/hold.ts`, 'this.#broadcast.join(session.audience);', '']],
  },
  {
    name: 'joins-the-session-alone',
    breaks: 'a joiner listens on the active lane too',
    patches: [
      [
        `${core}/sessions.ts`,
        'active && (await core.store.update(laneKey(key, active.lane), listen(connection, how)))',
        'active && (await core.store.update(laneKey(key, active.lane), { when: [], change: [] }))',
      ],
    ],
  },
  {
    name: 'nothing-between-start-and-join',
    breaks: 'what is committed between session_start and listening is replayed',
    patches: [
      [
        `${core}/inbound/greet.ts`,
        'await sendMissed(core, id, session, wish.after ?? told);',
        'if (wish.after !== undefined) await sendMissed(core, id, session, wish.after);',
      ],
    ],
  },
  {
    name: 'replay-beside-live',
    breaks: 'replay and live events are not mixed',
    patches: [
      [
        `${core}/inbound/replay.ts`,
        'await joinSession(core, session, id, CATCHING_UP)',
        'await joinSession(core, session, id, LIVE)',
      ],
    ],
  },
  {
    name: 'listens-before-it-is-told',
    breaks:
      'a client that asks for nothing is given what was committed since its greeting, before live events',
    patches: [
      [
        `${core}/inbound/greet.ts`,
        'await sendMissed(core, id, session, wish.after ?? told);',
        'await joinSession(core, session, id, LIVE);\n  await sendMissed(core, id, session, wish.after ?? told);',
      ],
    ],
  },
  {
    name: 'abort-of-any-turn',
    breaks: 'an abort names its turn',
    patches: [
      [
        `${core}/lane-writes.ts`,
        "when: [equals('turn', request.turn), exists('holder')]",
        "when: [exists('holder')]",
      ],
      [
        `${core}/turn/hold.ts`,
        'return this.lane.cancel?.turn === this.turn ? this.lane.cancel : undefined;',
        'return this.lane.cancel;',
      ],
    ],
  },
  {
    name: 'lane-made-anew',
    breaks: 'a late duplicate of $connect empties no lane',
    patches: [
      [
        `${core}/sessions.ts`,
        'core.store.putIfAbsent(laneKey(session, lane)',
        'core.store.put(laneKey(session, lane)',
      ],
    ],
  },
  {
    name: 'steers-whatever-comes',
    breaks: 'a message from elsewhere can only steer the turn that was seen',
    crowd: true,
    patches: [
      [
        `${core}/lane-writes.ts`,
        "[...acceptable(acceptance), equals('turn', turn), exists('holder')]",
        'acceptable(acceptance)',
      ],
    ],
  },
  {
    name: 'sets-out-unnoted',
    breaks: 'a message that sets out is noted on its own lane first',
    crowd: true,
    patches: [
      [
        `${core}/inbound/elsewhere.ts`,
        'const written = await core.store.update(\n    laneKey(acceptance.session, ownId),\n    sendElsewhere(acceptance, place, own.counted),\n  );',
        'const written = { ok: sendElsewhere(acceptance, place, own.counted) !== undefined };',
      ],
    ],
  },
  {
    name: 'accepted-here-and-there',
    breaks: 'a message that set out is not accepted on its own lane as well',
    crowd: true,
    patches: [
      [
        `${core}/lane-writes.ts`,
        "  ...acceptableHere(acceptance),\n  absent(['elsewhere', acceptance.id]),",
        '  ...acceptableHere(acceptance),',
      ],
    ],
  },
  {
    name: 'comes-back-too-early',
    breaks: 'a message comes back only when it can no longer arrive where it set out to',
    crowd: true,
    patches: [
      [
        `${core}/place.ts`,
        "{ is: 'under way' } : { is: 'nowhere' }",
        "{ is: 'nowhere' } : { is: 'nowhere' }",
      ],
    ],
  },
  {
    name: 'notice-to-the-lane-alone',
    breaks: 'the fate of a message that steered another lane is told to its sender',
    crowd: true,
    patches: [
      [
        `${core}/fates.ts`,
        'from === undefined ? lane : await core.store.get(laneKey(lane.session, from))',
        'lane',
      ],
    ],
  },
  {
    name: 'looked-after-too-shortly',
    breaks: 'a message that set out is looked after until its sender heard of it',
    crowd: true,
    patches: [
      [
        `${core}/fates.ts`,
        'if (from !== undefined && place !== undefined && heard)',
        'if (from !== undefined && place !== undefined)',
      ],
    ],
  },
  {
    name: 'heard-by-anyone',
    breaks: 'a notice is forgotten when its sender heard it, not when somebody else did',
    crowd: true,
    patches: [[`${core}/fates.ts`, 'if (connection === home?.connection) heard = sent;', 'heard ||= sent;']],
  },
  {
    name: 'forgotten-while-pending',
    breaks: 'a message that set out is looked after until its fate is known',
    crowd: true,
    patches: [
      [
        `${core}/inbound/elsewhere.ts`,
        "else if (found.is === 'settled' || found.is === 'nowhere') gone[id] = text;",
        'else gone[id] = text;',
      ],
    ],
  },
  {
    name: 'not-looked-after',
    breaks: 'who was away hears what became of messages that had set out',
    crowd: true,
    patches: [[`${core}/inbound/repair.ts`, '  await tidyElsewhere(core, laneId, lane);\n', '']],
  },
  {
    name: 'cancel-on-the-own-lane-alone',
    breaks: 'a message is withdrawn from any connection of its session',
    crowd: true,
    patches: [[`${core}/inbound/cancel.ts`, '    if (seen.has(laneId)) continue;', '    continue;']],
  },
  {
    name: 'discards-what-was-not-read',
    breaks: 'an abort discards what waits as it was read',
    patches: [[`${core}/lane-writes.ts`, "      sizeIs('waiting', waiting.length),\n", '']],
  },
  {
    name: 'calls-left-open',
    breaks: 'a call without a result gets one',
    patches: [[`${core}/turn/tools.ts`, 'return [...open.values()];', 'return [];']],
  },
  {
    name: 'every-tool-again',
    breaks: 'a call of unknown outcome runs again only if that does no harm',
    patches: [
      [
        `${core}/turn/tools.ts`,
        'free.filter(({ id, name }) => unstarted.has(id) || context.toolbox.isIdempotent(name))',
        '[...free]',
      ],
    ],
  },
  {
    name: 'unstarted-for-ever',
    breaks: 'a call that is started is no longer known as one that was not',
    patches: [
      [
        `${core}/turn/tools.ts`,
        'if (calls.some(({ id }) => unstarted.has(id))) {',
        'if (calls.length === 0) {',
      ],
    ],
  },
  {
    name: 'gives-up-by-trying-again',
    breaks: 'a turn that is given up runs no tool any more',
    patches: [
      [
        `${core}/turn/turn.ts`,
        '  await settleUnrun(hold);\n  const failure',
        '  await settleUnanswered(hold, context, unansweredCalls(hold));\n  const failure',
      ],
    ],
  },
  {
    name: 'steering-after-the-answer-alone',
    breaks: 'steering is taken in before every model call',
    patches: [
      [
        `${core}/turn/turn.ts`,
        'if (Object.keys(hold.lane.inbox).length > 0) {\n      await takeIn',
        'if (Object.keys(hold.lane.inbox).length > 0 && (!hold.begun || hold.meter.answered)) {\n      await takeIn',
      ],
    ],
  },
  {
    name: 'retry-after-visible-output',
    breaks: 'a call is made again only while nothing of it is visible',
    patches: [
      [
        `${core}/turn/turn.ts`,
        "if (outcome.type !== 'failed' || outcome.visible) return outcome;",
        "if (outcome.type !== 'failed') return outcome;",
      ],
    ],
  },
  {
    name: 'take-over-from-the-start',
    breaks: 'after a take-over the model goes on from what was said',
    patches: [
      [`${core}/turn/turn.ts`, "entriesOf(hold.events, 'include')", "entriesOf(hold.events, 'hold back')"],
    ],
  },
  {
    name: 'offset-of-the-call',
    breaks: 'a chunk says where in the turn it stands',
    patches: [[`${core}/turn/model-call.ts`, 'gathered.drain(hold.textLength)', 'gathered.drain(0)']],
  },
];

/**
 * Rules that no history can show to be needed, since what they insure against is not among the faults: a queue that
 * loses a message. A token is deleted only when its slot is over, so a slot that runs under another's token still has
 * its own; one more costs next to nothing. And what another rule catches after them: a message that is accepted a second
 * time is known at the take-in by its fate, so that its coming back need not be from where it was looked for. `npm run sim -- --mutants --only <name> --count 200000` looks further.
 */
export const UNSEEN: readonly Mutant[] = [
  {
    name: 'comes-back-from-anywhere',
    breaks: 'a message comes back from where it was looked for',
    crowd: true,
    faults: LATE_DUPLICATES,
    patches: [
      [
        `${core}/lane-writes.ts`,
        "[...acceptableHere(acceptance), equals(['elsewhere', acceptance.id], place)]",
        '[...acceptableHere(acceptance)]',
      ],
    ],
  },
  {
    name: 'no-token-for-a-foreign-slot',
    breaks: 'a slot that is run under another token gets one of its own',
    patches: [
      [
        `${core}/turn/worker.ts`,
        'await core.queues.sendToken({ ...token, lane: laneId, slot }, core.newId());',
        '',
      ],
    ],
  },
];

export interface Planted {
  /** Throws when a patch found nothing to change: then the mutant is the product itself. */
  demandApplied(): void;
}

/** Plants a mutant into all that is loaded from now on in this thread. */
export function plant(name: string): Planted {
  const mutant = [...MUTANTS, ...UNSEEN].find((one) => one.name === name);
  if (!mutant) throw new Error(`no mutant is called ${name}`);
  const missing = new Set(mutant.patches);
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      const patches = mutant.patches.filter(([file]) => url.endsWith(`/${file}`));
      if (patches.length === 0) return loaded;
      let source = readFileSync(new URL(url), 'utf8');
      for (const patch of patches) {
        const [, find, replace] = patch;
        if (source.includes(find)) missing.delete(patch);
        source = source.replace(find, () => replace);
      }
      return { ...loaded, source };
    },
  });
  return {
    demandApplied() {
      for (const [file, find] of missing) throw new Error(`mutant ${name}: ${file} has no "${find}"`);
    },
  };
}
