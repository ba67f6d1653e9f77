import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compile } from '../../aws/dynamodb/expression.ts';
import { LIMIT_SETTINGS } from '../../config/settings/limits.ts';
import { epochMs, epochSeconds } from '../../config/units.ts';
import {
  asConnectionId,
  asLaneId,
  asMessageId,
  asRequestId,
  asSessionId,
  asSessionKey,
  asTurnId,
  idsOf,
  type MessageId,
  slotOf,
} from '../../core/ids.ts';
import type { Lane, PendingMessage, Session } from '../../core/store/items.ts';
import * as accepting from '../../core/store/lane/accept.ts';
import * as afterTurns from '../../core/store/lane/after-turn.ts';
import * as applying from '../../core/store/lane/apply.ts';
import * as closing from '../../core/store/lane/close.ts';
import * as committing from '../../core/store/lane/commit.ts';
import * as connecting from '../../core/store/lane/connection.ts';
import * as ending from '../../core/store/lane/end.ts';
import * as forwarding from '../../core/store/lane/forward.ts';
import { emptyLane } from '../../core/store/lane/lane.ts';
import * as requesting from '../../core/store/lane/request.ts';
import * as withdrawing from '../../core/store/lane/withdraw.ts';
import * as sessionWrites from '../../core/store/session-writes.ts';
import type { Update } from '../../core/store/update.ts';
import { expressionSizes, MAX_EXPRESSION_BYTES, MAX_OPERATORS } from '../../core/testing/expression-size.ts';
import { cases } from '../support/sample.ts';
import { updates } from './store.contract.ts';

const [, LARGEST_INBOX] = LIMIT_SETTINGS.inboxLimit.range;
const LARGEST_BYTES = LIMIT_SETTINGS.inboxBytes.range[1];
const LONGEST_ID = 64;

const longId = (kind: string, n: number) => `${kind}${String(n).padStart(LONGEST_ID - kind.length, '0')}`;
const NOW = epochMs(1_800_000_000_000);
const EXPIRES = epochSeconds(1_800_000_000);
const SESSION = asSessionKey('acme#ann#s');
const CONNECTION = asConnectionId('connection');
const LANE = asLaneId(longId('lane', 1));
const TURN = asTurnId(longId('turn', 0));
const SLOT = slotOf(TURN);
const LIMITS = { inboxMessages: LARGEST_INBOX, inboxBytes: LARGEST_BYTES };

const pendingMessages = (kind: string): Record<MessageId, PendingMessage> =>
  Object.fromEntries(
    Array.from({ length: LARGEST_INBOX }, (_, n) => [
      longId(kind, n),
      { content: 'x', turn: asTurnId(longId('turn', n)), at: NOW, order: n, from: LANE },
    ]),
  );

/** A lane on which as much waits as a deployment can allow. */
const fullLane: Lane = {
  ...emptyLane(SESSION, CONNECTION, EXPIRES),
  turn: TURN,
  slot: SLOT,
  since: NOW,
  inbox: pendingMessages('inbox'),
  waiting: pendingMessages('waiting'),
  ids: { [asMessageId(longId('id', 1))]: 1 },
};
const id = asMessageId(longId('new', 1));
const [message] = Object.values(fullLane.inbox);
if (!message) throw new Error('the inbox is empty');
const acceptance = { session: SESSION, id, message, limits: LIMITS, now: NOW, expires: EXPIRES };
const session: Session = {
  principal: { tenant: 't', subject: 's' },
  sessionId: asSessionId('s'),
  created: NOW,
  queue: {},
  seq: 1,
  entry: 1,
  audience: {},
  expires: EXPIRES,
};
/** Part of a worker's commit, with all that a commit itself demands and changes. */
const committed = (guard: Pick<committing.Extension, 'when' | 'change'>): Update<Lane> =>
  committing.commit({
    lease: 'lease',
    from: 1,
    to: 2,
    unspilled: [],
    commitId: 'lease:1',
    progress: true,
    ...guard,
  });

/** Each write of the store, where it is largest. */
const WRITES: Readonly<Record<string, () => Update<Lane> | Update<Session>>> = {
  accept: () => accepting.accept(acceptance, true),
  acceptWaiting: () => accepting.acceptWaiting(acceptance),
  removeApplied: () =>
    committed(applying.removeApplied(fullLane, idsOf(fullLane.inbox), idsOf(fullLane.inbox), 2)),
  removeUnfit: () =>
    committed(
      applying.removeUnfit(
        fullLane,
        [],
        new Map(idsOf(fullLane.inbox).map((id) => [id, { code: 'OPTIONS_INVALID', path: 'p'.repeat(64) }])),
      ),
    ),
  close: () => closing.close(fullLane, 2, []),
  claim: () => committing.claim(SLOT, 'lease', 1, EXPIRES),
  commit: () => committed({}),
  adopt: () => connecting.adopt(SESSION, CONNECTION),
  listen: () => connecting.listen(CONNECTION, 1),
  listenFrom: () => connecting.listenFrom(CONNECTION, 1, 1, SLOT),
  stopListening: () => connecting.stopListening(CONNECTION),
  endAnswered: () => committed(ending.endAnswered({ ...fullLane, inbox: {} }, 1, NOW, EXPIRES)),
  endKeepingPending: () => committed(ending.endKeepingPending(fullLane, 1, TURN, NOW, EXPIRES)),
  endDiscardingPending: () => committed(ending.endDiscardingPending(fullLane, 1, NOW, EXPIRES)),
  forwardMessage: () => forwarding.forwardMessage(acceptance, 'lane turn', 1),
  acceptForwarded: () => forwarding.acceptForwarded(acceptance, TURN),
  acceptReturned: () => forwarding.acceptReturned(acceptance, 'lane turn'),
  forgetForwarded: () => forwarding.forgetForwarded(id, `${LANE} ${TURN}`),
  returnOutcome: () => forwarding.returnOutcome(id, { code: 'OPTIONS_INVALID', path: 'p' }),
  requestAbort: () => requesting.requestAbort({ turn: TURN, pending: 'keep', by: 's' }),
  decide: () => requesting.decide(asRequestId(longId('request', 1)), { decision: 'approve' }),
  give: () => requesting.give(asRequestId(longId('request', 1)), { digest: 'd' }),
  withdrawPending: () => withdrawing.withdrawPending(SESSION, 'inbox', id, message),
  rejectUnclaimed: () => withdrawing.rejectUnclaimed(fullLane, SLOT, 'SESSION_QUEUE_FULL', NOW, EXPIRES),
  rejectWaiting: () => withdrawing.rejectWaiting(id, message, 'SESSION_QUEUE_FULL'),
  forgetUndelivered: () => withdrawing.forgetUndelivered(id),
  ensureSession: () =>
    sessionWrites.ensureSession(session.principal, session.sessionId, 'name', NOW, EXPIRES),
  trust: () => sessionWrites.trust(session, ['tool']),
  revoke: () => sessionWrites.revoke(session, ['tool']),
  rememberShapes: () => sessionWrites.rememberShapes([]),
  rememberCut: () => sessionWrites.rememberCut(1),
  chooseAgent: () =>
    sessionWrites.chooseAgent({ ...session, entry: 1, trusted: ['order'], revocations: 1 }, 'sales'),
  rememberCompacted: () => sessionWrites.rememberCompacted(1),
  nameForNow: () => sessionWrites.nameForNow('name'),
  giveTitle: () => sessionWrites.giveTitle('title'),
  attemptTitle: () =>
    sessionWrites.attemptTitle(
      { ...session, titling: { tries: 1, by: longId('by', 1) } },
      { tries: 2, by: longId('by', 2) },
    ),
  attemptCompaction: () =>
    sessionWrites.attemptCompaction(
      { ...session, compaction: { from: 1, tries: 1, by: longId('by', 1) } },
      { from: 1, tries: 2, by: longId('by', 2) },
    ),
  admit: () => sessionWrites.admit(SLOT, LANE, NOW, 100),
  release: () => sessionWrites.release(SLOT),
  activate: () => sessionWrites.activate(SLOT, LANE, NOW),
  deactivate: () => sessionWrites.deactivate(SLOT),
  retire: () => sessionWrites.retire(SLOT, session, 2, 2, EXPIRES, EXPIRES),
  rename: () => sessionWrites.rename('name'),
  joinAudience: () => sessionWrites.joinAudience(CONNECTION, 1),
  makeLive: () => sessionWrites.makeLive(CONNECTION, 1),
  makeLiveBeside: () => sessionWrites.makeLiveBeside(CONNECTION, 1, 1, LANE),
  makeLiveAtRest: () => sessionWrites.makeLiveAtRest(CONNECTION, 1, 1, SLOT),
  leaveAudience: () => sessionWrites.leaveAudience(CONNECTION),
  markDeleted: () => sessionWrites.markDeleted(NOW, EXPIRES),
  markTold: () => sessionWrites.markTold(),
};

/** Of the modules of writes: what is a part of a write above, or makes a value of one. */
const PARTS: readonly string[] = [
  'acceptableHere',
  'acceptable',
  'intoTheInbox',
  'withTurn',
  'messagesAsRead',
  'waitingAsRead',
  'withOutcomes',
  'afterTurn',
  'keepIds',
  'clearTurn',
  'undeliveredOutcome',
];

const MODULES = [
  accepting,
  afterTurns,
  applying,
  closing,
  committing,
  connecting,
  ending,
  forwarding,
  requesting,
  withdrawing,
  sessionWrites,
];

describe('P1: a write fits into the expressions that DynamoDB takes', () => {
  it('is among those below, whichever it is', () => {
    const exported = MODULES.flatMap((module) => Object.keys(module));
    expect(Object.keys(WRITES).concat(PARTS).toSorted()).toEqual(exported.toSorted());
  });

  it.each(Object.entries(WRITES))('%s, at the largest limits that can be set', (_, write) => {
    const { ConditionExpression = '', UpdateExpression = '' } = compile(write() as Update<Lane>);
    for (const text of [ConditionExpression, UpdateExpression]) {
      expect(Buffer.byteLength(text)).toBeLessThanOrEqual(MAX_EXPRESSION_BYTES);
      expect(operatorsOf(text)).toBeLessThanOrEqual(MAX_OPERATORS);
    }
  });
});

const OPERATORS = /attribute_exists|attribute_not_exists|if_not_exists|size\(| AND | OR |<>|<=|<|=|\+/g;
const operatorsOf = (text: string) => text.match(OPERATORS)?.length ?? 0;
/** In a `SET` clause `=` assigns. */
const assignmentsOf = (update: Update<never>) =>
  update.change.filter((change) => change.do !== 'remove').length;

it('the store in memory counts an expression as it is compiled', () => {
  fc.assert(
    fc.property(updates, (update) => {
      const { ConditionExpression = '', UpdateExpression = '' } = compile(update);
      const { condition, update: changes } = expressionSizes(update);
      expect(condition.bytes).toBe(Buffer.byteLength(ConditionExpression));
      expect(changes.bytes).toBe(Buffer.byteLength(UpdateExpression));
      expect(condition.operators).toBe(operatorsOf(ConditionExpression));
      expect(changes.operators).toBe(operatorsOf(UpdateExpression) - assignmentsOf(update as Update<never>));
    }),
    { numRuns: cases(2000) },
  );
});
