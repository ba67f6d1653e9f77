import { describe, expect, it } from 'vitest';
import { MAX_TOOL_OUTPUT_BYTES } from '../../protocol/limits.ts';
import { around, textOfBytes } from '../../test/support/text.ts';
import type { Core } from '../core.ts';
import type { Question } from '../elicitation.ts';
import { asLaneId, asRequestId } from '../ids.ts';
import { putQuestion, readOutput } from '../session/given-outputs.ts';
import { ASKED } from '../store/items.ts';
import { callsLeftUnderWay, copyOf } from '../testing/late-calls.ts';
import { memoryStore } from '../testing/memory-store.ts';
import { leased, sessionInMemory } from '../testing/session-in-memory.ts';
import type { Sender } from './acknowledge.ts';
import { answerQuestion } from './answer-question.ts';
import { answerApproval } from './approve.ts';
import { giveOutput } from './give-output.ts';

const CALL = asRequestId('call');
const ASKED_FOR = asRequestId('question');
const PAY = asRequestId('pay');
const FIELDS: Question['fields'] = [{ name: 'name', type: 'string', required: true }];

/** A turn that waits for the output of a tool and for the answer to a question, and another device of the session. */
async function given(asks: 'form' | 'address' = 'form') {
  const asked = { [CALL]: ASKED.output, [ASKED_FOR]: ASKED.answer };
  let meanwhile: (() => Promise<unknown>) | undefined;
  const all = sessionInMemory({
    lanes: { mine: { ...leased, asked, outputs: {}, approvals: { [PAY]: 1 }, decisions: {} }, other: {} },
    async before({ operation, key }) {
      const next = key.sk.startsWith('LANE#') && operation === 'update' ? meanwhile : undefined;
      if (!next) return;
      meanwhile = undefined;
      await next();
    },
  });
  const { core, session, table, told, from } = all;
  await putQuestion(core, session, ASKED_FOR, asks === 'form' ? { fields: FIELDS } : {});
  type Said = { output?: unknown; error?: string };
  return {
    ...all,
    async give(said: Said, { lane = 'mine', id = CALL as string } = {}) {
      const before = told(lane).length;
      await giveOutput(core, from(lane), { type: 'tool_output', request_id: id, ...(said as object) });
      return told(lane).slice(before);
    },
    async answer(said: object, { lane = 'mine', id = ASKED_FOR as string } = {}) {
      const before = told(lane).length;
      await answerQuestion(core, from(lane), {
        type: 'elicitation_answer',
        id,
        action: 'accept',
        ...said,
      });
      return told(lane).slice(before);
    },
    /** Before the next write on a lane. */
    meanwhile(work: () => Promise<unknown>) {
      meanwhile = work;
    },
    /** What the worker finds. */
    async taken(request = CALL) {
      const output = all.lane('mine')?.outputs?.[request];
      return output && { ...output, value: await readOutput(core, session, request, output) };
    },
    /** How many answers are stored, whether a lane refers to them or not. */
    stored: () =>
      [...table.all()].filter(({ sk }) => sk.startsWith('OUTPUT#') && !sk.endsWith('#question')).length,
  };
}

describe('P2: what a client gives for a call', () => {
  it.each(['x', 'é', '€', '😀'])(
    'has as many bytes as JSON as it may, and one more is refused and not stored: %s',
    async (unit) => {
      for (const bytes of around(MAX_TOOL_OUTPUT_BYTES)) {
        for (const said of [
          { output: textOfBytes(bytes - 2, unit) },
          { error: textOfBytes(bytes - 2, unit) },
        ]) {
          const { give, stored } = await given();
          const refusal = { code: 'MESSAGE_TOO_LARGE', id: CALL, limit: MAX_TOOL_OUTPUT_BYTES, depth: bytes };
          expect(await give(said)).toMatchObject(bytes > MAX_TOOL_OUTPUT_BYTES ? [refusal] : []);
          expect(stored()).toBe(bytes > MAX_TOOL_OUTPUT_BYTES ? 0 : 1);
        }
        const { answer, stored } = await given();
        const content = { name: textOfBytes(bytes - '{"name":""}'.length, unit) };
        expect(await answer({ content })).toMatchObject(
          bytes > MAX_TOOL_OUTPUT_BYTES
            ? [{ code: 'MESSAGE_TOO_LARGE', id: ASKED_FOR, limit: MAX_TOOL_OUTPUT_BYTES, depth: bytes }]
            : [{ type: 'elicitation_answer', id: ASKED_FOR, action: 'accept' }],
        );
        expect(stored()).toBe(bytes > MAX_TOOL_OUTPUT_BYTES ? 0 : 1);
      }
    },
  );

  it('is an output, which may be null or empty, or an error, and not both nor neither', async () => {
    for (const output of [null, '', 0, false, [], { a: null }]) {
      const { give, taken } = await given();
      expect(await give({ output })).toEqual([]);
      expect(await taken()).toEqual({ digest: expect.any(String), value: output });
    }
    const { give, taken } = await given();
    for (const said of [{}, { output: null, error: '' }, { output: 1, error: 'no' }])
      expect(await give(said)).toMatchObject([{ code: 'INVALID_FRAME', id: CALL }]);
    expect(await taken()).toBeUndefined();
    expect(await give({ error: '' })).toEqual([]);
    expect(await taken()).toEqual({ digest: expect.any(String), isError: true, value: '' });
  });
});

describe('P10: the first answer to a request counts', () => {
  it('the same again changes nothing; an error with the words of the output is another answer', async () => {
    const { give, answer, taken, stored } = await given();
    await give({ output: 'there' });
    expect(await give({ output: 'there' })).toEqual([]);
    for (const said of [{ error: 'there' }, { output: 'elsewhere' }])
      expect(await give(said)).toMatchObject([{ code: 'INVALID_TOOL_OUTPUT', id: CALL }]);
    expect(await taken()).toMatchObject({ value: 'there' });
    const content = { name: 'Ann' };
    const told = [{ type: 'elicitation_answer', id: ASKED_FOR, action: 'accept' }];
    expect(await answer({ content })).toEqual(told);
    expect(await answer({ content })).toEqual(told);
    for (const said of [{ content: { name: 'Bob' } }, { action: 'decline' }])
      expect(await answer(said)).toMatchObject([{ code: 'INVALID_ELICITATION_ANSWER', id: ASKED_FOR }]);
    expect(await taken(ASKED_FOR)).toMatchObject({ value: { action: 'accept', content } });
    expect(stored()).toBe(2);
  });

  it.each([
    ['the same', 'there', 0],
    ['another one', 'elsewhere', 1],
  ])(
    '%s, taken between look and write, is answered so, and nothing of a refused one stays',
    async (_, first, refused) => {
      const { give, answer, meanwhile, taken, stored } = await given();
      meanwhile(() => give({ output: first }));
      expect(await give({ output: 'there' })).toHaveLength(refused);
      expect(await taken()).toMatchObject({ value: first });
      meanwhile(() => answer({ content: { name: first } }));
      const answers = await answer({ content: { name: 'there' } });
      expect(answers.filter(({ type }) => type === 'error')).toHaveLength(refused);
      expect(await taken(ASKED_FOR)).toMatchObject({ value: { content: { name: first } } });
      expect(stored()).toBe(2);
    },
  );
});

describe('P12: a request is answered', () => {
  it('by the client that runs the tool; a question by any of the session; and each as what was asked for', async () => {
    const { give, answer, taken } = await given();
    const strange = { output: 'there' };
    expect(await give(strange, { lane: 'other' })).toMatchObject([{ code: 'INVALID_TOOL_OUTPUT' }]);
    for (const id of [ASKED_FOR, 'unknown', 'constructor'])
      expect(await give(strange, { id })).toMatchObject([{ code: 'INVALID_TOOL_OUTPUT', id }]);
    const content = { name: 'Ann' };
    for (const id of [CALL, 'unknown', 'constructor'])
      expect(await answer({ content }, { id })).toMatchObject([{ code: 'INVALID_ELICITATION_ANSWER', id }]);
    expect([await taken(), await taken(ASKED_FOR)]).toEqual([undefined, undefined]);
    expect(await answer({ content }, { lane: 'other' })).toMatchObject([{ action: 'accept' }]);
  });
});

describe('an answer to a question', () => {
  it('that does not fit names the field, and can be corrected', async () => {
    const { answer, taken } = await given();
    for (const [content, path] of [
      [{}, 'name'],
      [{ name: 7 }, 'name'],
      [{ name: 'Ann', age: 7 }, 'age'],
    ])
      expect(await answer({ content })).toMatchObject([
        { code: 'ELICITATION_CONTENT_INVALID', id: ASKED_FOR, path },
      ]);
    expect(await answer({})).toMatchObject([{ code: 'ELICITATION_CONTENT_INVALID', path: 'name' }]);
    expect(await answer({ content: { name: 'Ann' } })).toMatchObject([{ action: 'accept' }]);
    expect(await taken(ASKED_FOR)).toMatchObject({ value: { content: { name: 'Ann' } } });
  });

  it.each(['decline', 'cancel'])('P2: with %s keeps nothing that the user has written', async (action) => {
    const { answer, taken } = await given();
    expect(await answer({ action, content: { name: 7, secret: 'x' } })).toMatchObject([{ action }]);
    expect(await taken(ASKED_FOR)).toEqual({ digest: expect.any(String), value: { action } });
  });

  it('with an address, has no content', async () => {
    const { answer, taken } = await given('address');
    expect(await answer({ content: { name: 'Ann' } })).toMatchObject([{ action: 'accept' }]);
    expect(await taken(ASKED_FOR)).toEqual({ digest: expect.any(String), value: { action: 'accept' } });
  });
});

describe('a function that has answered is frozen: nothing goes on behind it', () => {
  const answer = (said: object) =>
    ({ type: 'elicitation_answer', id: ASKED_FOR, action: 'accept', ...said }) as const;
  it.each<[string, (core: Core, sender: Sender) => Promise<void>]>([
    ['an answer', (core, by) => answerQuestion(core, by, answer({ content: { name: 'Ann' } }))],
    ['an answer that says nothing', (core, by) => answerQuestion(core, by, answer({ action: 'decline' }))],
    ['an answer that does not fit', (core, by) => answerQuestion(core, by, answer({ content: { name: 7 } }))],
    [
      'a long answer',
      (core, by) => answerQuestion(core, by, answer({ content: { name: 'x'.repeat(17_000) } })),
    ],
    ['an answer to nothing', (core, by) => answerQuestion(core, by, answer({ id: 'none' }))],
    ['an output', (core, by) => giveOutput(core, by, { type: 'tool_output', request_id: CALL, output: 1 })],
    [
      'an output of another one',
      (core, by) =>
        giveOutput(
          core,
          { ...by, connection: { ...by.connection, lane: asLaneId('other') } },
          { type: 'tool_output', request_id: CALL, output: 1 },
        ),
    ],
    ['an approval', (core, by) => answerApproval(core, by, PAY, 'always')],
    ['an approval of nothing', (core, by) => answerApproval(core, by, CALL, 'approve')],
  ])('of %s, also where another one comes first', async (_, act) => {
    for (const isTaken of [false, true]) {
      const { core, table, from } = await given();
      const fresh = () => {
        const store = memoryStore(copyOf(table));
        const refusing = { ...store, update: async () => ({ ok: false }) as const };
        return { ...core, store: isTaken ? refusing : store };
      };
      expect(await callsLeftUnderWay(fresh, (ports) => act(ports, from('mine')))).toEqual([]);
    }
  });
});
