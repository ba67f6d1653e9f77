import { type FrameOf, isEnd, isRefusal } from '../frames.ts';
import {
  answersPing,
  appliedIds,
  ask,
  demandNoTrace,
  doneOf,
  newId,
  refusal,
  speakingTurn,
  steer,
  stop,
  transcript,
  turnWithTool,
  userEntries,
  visit,
} from '../moves.ts';
import { brief, demand, Missed, need } from '../outcome.ts';
import { PARAGRAPH, SHORT, waits } from '../prompts.ts';
import type { Scenario } from '../rule.ts';

/** The kit does not fill a queue that takes more than this many messages. */
const MOST = 200;
/** Messages sent at a time, so that a burst does not test the server's capacity instead of its limit. */
const BATCH = 8;

const holds = ({ messages }: FrameOf<'applied'>, id: string) => messages.some((message) => message.id === id);

const NOT_JSON = ['{"type":"message"', 'hello', '"hello"', '[{"type":"ping"}]', 'null', '7'];

const UNKNOWN_TYPES = ['dance', undefined, 7, 'toString', 'done'];

/** Frames with one invalid field, and the name of the field. */
const INVALID: readonly (readonly [field: string, frame: object])[] = [
  ['content', { type: 'message' }],
  ['content', { type: 'message', content: 7 }],
  ['content', { type: 'message', content: [] }],
  ['text', { type: 'message', content: [{ type: 'text' }] }],
  ['url', { type: 'message', content: [{ type: 'image', url: 'http://example.com/a.png' }] }],
  ['data', { type: 'message', content: [{ type: 'image', media_type: 'image/png', data: '?' }] }],
  ['id', { type: 'message', content: 'hello', id: 'with space' }],
  ['id', { type: 'message', content: 'hello', id: 'x'.repeat(65) }],
  ['delivery', { type: 'message', content: 'hello', delivery: 'later' }],
  ['order', { type: 'message', content: 'hello', order: -1 }],
  ['pending', { type: 'abort', pending: 'maybe' }],
  ['id', { type: 'cancel' }],
  ['limit', { type: 'history', limit: 0 }],
  ['before', { type: 'history', before: 'yesterday' }],
  ['decision', { type: 'approval_response', request_id: 'r1', decision: 'perhaps' }],
  ['after_seq', { type: 'connect', resume: { after_seq: -1 } }],
];

export const CODES: readonly Scenario[] = [
  {
    name: 'codes-invalid-json',
    promise: 'wire',
    points: ['3.1.1', '10.1.1', '10.1.2'],
    says: 'a text that is not a JSON object is `INVALID_JSON`, and the connection stays open',
    async run(server) {
      const { peer } = await visit(server);
      for (const text of NOT_JSON) await refusal(peer, text, 'INVALID_JSON');
      await answersPing(peer);
    },
  },
  {
    name: 'codes-unknown-type',
    promise: 'wire',
    points: ['3.1.2', '10.1.1', '10.1.2'],
    says: 'a type that no client frame has is `UNKNOWN_MESSAGE_TYPE`, and the connection stays open',
    async run(server) {
      const { peer } = await visit(server);
      for (const type of UNKNOWN_TYPES) {
        const { id } = await refusal(peer, JSON.stringify({ type, id: 'x1' }), 'UNKNOWN_MESSAGE_TYPE');
        demand(id === 'x1', `the error has the id ${id}, not that of the frame`);
      }
      await answersPing(peer);
    },
  },
  {
    name: 'codes-invalid-frame',
    promise: 'wire',
    points: ['4.1.2', '6.1.4', '10.1.1', '10.1.2'],
    says: 'an invalid field is `INVALID_FRAME`, which names it, and the connection stays open',
    async run(server) {
      const { peer } = await visit(server);
      for (const [field, frame] of INVALID) {
        const text = JSON.stringify(frame);
        const { message } = await refusal(peer, text, 'INVALID_FRAME');
        demand(new RegExp(`\\b${field}\\b`).test(message), `for ${text} the message is ${brief(message)}`);
      }
      await answersPing(peer);
    },
  },
  {
    name: 'codes-empty-content',
    promise: 'P2',
    points: ['6.1.2', '6.2.1', '10.1.3'],
    says: 'blank content is `EMPTY_CONTENT`, and the connection stays open',
    async run(server) {
      const { peer } = await visit(server);
      for (const content of ['', ' ', '\n\t  \r\n']) {
        const frame = JSON.stringify({ type: 'message', id: 'blank', content });
        const { id } = await refusal(peer, frame, 'EMPTY_CONTENT');
        demand(id === 'blank', `the error names the message ${id}`);
      }
      await answersPing(peer);
      await demandNoTrace(peer, 'blank');
    },
  },
  {
    name: 'codes-message-too-large',
    promise: 'P2',
    points: ['6.1.3', '6.2.4', '11.1.2'],
    says: 'content over `limits.content_bytes` is `MESSAGE_TOO_LARGE`, with limit and depth',
    async run(server) {
      const { peer, start } = await visit(server);
      const limit = start.limits.content_bytes;
      const id = newId();
      const content = 'x'.repeat(limit - 1);
      const error = await refusal(
        peer,
        JSON.stringify({ type: 'message', id, content }),
        'MESSAGE_TOO_LARGE',
      );
      demand(error.limit === limit, `the error’s limit is ${error.limit}, not ${limit}`);
      demand(error.depth === limit + 1, `the error’s depth is ${error.depth}, not ${limit + 1}`);
      await answersPing(peer);
      await demandNoTrace(peer, id);
    },
  },
  {
    name: 'codes-no-active-turn',
    promise: 'P14',
    points: ['5.6.4'],
    says: '`abort` without a running turn, or of one that is over, is `NO_ACTIVE_TURN`',
    async run(server) {
      const { peer } = await visit(server);
      await refusal(peer, '{"type":"abort"}', 'NO_ACTIVE_TURN');
      const { ack } = await ask(peer, SHORT);
      await doneOf(peer, ack.turn_id);
      await refusal(peer, JSON.stringify({ type: 'abort', turn_id: ack.turn_id }), 'NO_ACTIVE_TURN');
      await answersPing(peer);
    },
  },
  {
    name: 'codes-not-pending',
    promise: 'P1',
    points: ['6.8.3', '10.1.3'],
    says: '`cancel` of an unknown message, or of one that a turn applied, is `NOT_PENDING`',
    async run(server) {
      const running = await speakingTurn(server, SHORT);
      const { peer, turn } = running;
      for (const id of [newId(), running.id]) {
        const error = await refusal(peer, JSON.stringify({ type: 'cancel', id }), 'NOT_PENDING');
        demand(error.id === id, `the error names the message ${error.id}`);
      }
      await doneOf(peer, turn);
      await answersPing(peer);
    },
  },
  {
    name: 'codes-invalid-approval',
    promise: 'wire',
    points: ['5.5.2'],
    says: 'an answer to an approval request that was never made is `INVALID_APPROVAL_RESPONSE`',
    async run(server) {
      const { peer } = await visit(server);
      const frame = { type: 'approval_response', request_id: newId(), decision: 'approve' };
      await refusal(peer, JSON.stringify(frame), 'INVALID_APPROVAL_RESPONSE');
      await answersPing(peer);
    },
  },
  {
    name: 'codes-invalid-tool-output',
    promise: 'wire',
    points: ['5.8.2'],
    says: 'an output for a request that was never made is `INVALID_TOOL_OUTPUT`',
    async run(server) {
      const { peer } = await visit(server);
      const frame = { type: 'tool_output', request_id: newId(), output: 1 };
      await refusal(peer, JSON.stringify(frame), 'INVALID_TOOL_OUTPUT');
      await answersPing(peer);
    },
  },
  {
    name: 'codes-invalid-elicitation-answer',
    promise: 'wire',
    points: ['5.9.2'],
    says: 'an answer to a question that was never asked is `INVALID_ELICITATION_ANSWER`',
    async run(server) {
      const { peer } = await visit(server);
      const frame = { type: 'elicitation_answer', id: newId(), action: 'accept', content: {} };
      await refusal(peer, JSON.stringify(frame), 'INVALID_ELICITATION_ANSWER');
      await answersPing(peer);
    },
  },
  {
    name: 'codes-turn-untouched',
    promise: 'P14',
    points: ['6.2.4', '10.1.1'],
    says: 'refused frames do not change a running turn, and nothing of them is stored',
    async run(server) {
      const running = await speakingTurn(server, PARAGRAPH);
      const { peer, turn } = running;
      await refusal(peer, '{', 'INVALID_JSON');
      await refusal(peer, '{"type":"dance"}', 'UNKNOWN_MESSAGE_TYPE');
      const bad = { type: 'message', id: 'bad', content: 'hello', delivery: 'later' };
      await refusal(peer, JSON.stringify(bad), 'INVALID_FRAME');
      await refusal(peer, '{"type":"message","id":"bad","content":" "}', 'EMPTY_CONTENT');
      await doneOf(peer, turn);
      await demandNoTrace(peer, 'bad');
    },
  },
  {
    name: 'codes-unknown-fields',
    promise: 'wire',
    points: ['3.1.3'],
    says: 'fields that the protocol does not define are ignored',
    async run(server) {
      const { peer } = await visit(server);
      const id = newId();
      peer.sendText(JSON.stringify({ type: 'message', id, content: SHORT, mood: { deep: [1] } }));
      const answer = await peer.wait(
        (frame) => (frame.type === 'accepted' && frame.id === id) || isRefusal(frame),
      );
      demand(answer.type === 'accepted', `it was answered by ${brief(answer)}`);
      await doneOf(peer, answer.turn_id);
    },
  },
  {
    name: 'codes-steering-queue-full',
    promise: 'P1 P2',
    points: ['6.2.4', '11.1.2'],
    says: 'an inbox takes `limits.inbox_messages`; one more is `STEERING_QUEUE_FULL`, and not stored',
    async run(server) {
      const running = await turnWithTool(server, 10);
      const { peer, start } = running;
      const limit = start.limits.inbox_messages;
      need(limit <= MOST, `the inbox takes ${limit} messages, more than the kit sends`);
      const first = await steer(running, 'message 1');
      for (let sent = 1; sent < limit; sent += BATCH) {
        const batch = Array.from({ length: Math.min(BATCH, limit - sent) }, (_, i) => sent + i + 1);
        await Promise.all(batch.map((n) => ask(peer, `message ${n}`)));
      }
      const id = newId();
      const overflow = JSON.stringify({ type: 'message', id, content: 'one more' });
      const from = peer.received.length;
      peer.sendText(overflow);
      const answer = await peer.wait(
        (frame) => (frame.type === 'accepted' || isRefusal(frame)) && frame.id === id,
        { from },
      );
      if (peer.received.some(isEnd)) throw new Missed('the turn was over before its inbox was full');
      if (answer.type === 'accepted') {
        // A slow server may have applied the first messages, and so made room, before it received the last one.
        const applied = await peer.wait(
          (frame): frame is FrameOf<'applied'> => frame.type === 'applied' && holds(frame, first.id),
          { what: '`applied` for message 1' },
        );
        if (!holds(applied, id)) throw new Missed('the inbox was emptied before it was full');
      }
      demand(
        answer.type === 'error' && answer.code === 'STEERING_QUEUE_FULL',
        `message ${limit + 1} was answered by ${brief(answer)}`,
      );
      demand(
        isRefusal(answer) && answer.limit === limit && answer.depth === limit && answer.retryable,
        `the error says ${brief(answer)}`,
      );
      const end = await stop(running);
      demand(end.type === 'aborted', `the turn ended in ${brief(end)}`);
      await demandNoTrace(peer, id);
    },
  },
  {
    name: 'codes-session-queue-full',
    promise: 'P2 P5',
    points: ['6.2.4', '11.1.2'],
    says: 'a session takes `limits.session_turns`; one more is `SESSION_QUEUE_FULL`, and not stored',
    async run(server) {
      const { peer, start } = await visit(server);
      const limit = start.limits.session_turns;
      need(limit <= MOST, `a session takes ${limit} turns, more than the kit opens`);
      const first = await ask(peer, waits(10));
      await peer.wait('turn_start');
      const queued = [];
      for (let n = 1; n < limit; n++) queued.push(await ask(peer, SHORT, { delivery: 'queue' }));
      if (peer.received.some(isEnd)) throw new Missed('the turn was over before the queue was full');
      const id = newId();
      const more = JSON.stringify({ type: 'message', id, content: SHORT, delivery: 'queue' });
      const error = await refusal(peer, more, 'SESSION_QUEUE_FULL');
      demand(error.id === id && error.limit === limit && error.retryable, `the error says ${brief(error)}`);
      for (const waiting of queued) {
        peer.send({ type: 'cancel', id: waiting.id });
        await peer.wait((frame) => frame.type === 'cancelled' && frame.ids.includes(waiting.id));
      }
      peer.send({ type: 'abort' });
      await peer.wait((frame) => isEnd(frame) && frame.turn_id === first.ack.turn_id);
      await demandNoTrace(peer, id);
    },
  },
  {
    name: 'codes-refused-is-nothing',
    promise: 'P2',
    points: ['6.2.4'],
    says: 'a refused message is in no turn and no transcript, also after later turns',
    async run(server) {
      const { peer, start } = await visit(server);
      const id = newId();
      const content = 'x'.repeat(start.limits.content_bytes);
      await refusal(peer, JSON.stringify({ type: 'message', id, content }), 'MESSAGE_TOO_LARGE');
      await refusal(peer, JSON.stringify({ type: 'message', id, content: '  ' }), 'EMPTY_CONTENT');
      const later = await ask(peer, SHORT);
      await doneOf(peer, later.ack.turn_id);
      await demandNoTrace(peer, id);
      demand(appliedIds(peer).join() === later.id, `the turns applied ${appliedIds(peer)}`);
      const users = userEntries(await transcript(peer)).length;
      demand(users === 1, `the transcript has ${users} messages of the user, not 1`);
    },
  },
];
