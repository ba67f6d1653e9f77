import { describe, expect, it } from 'vitest';
import { epochMs } from '../../config/units.ts';
import type { Core } from '../core.ts';
import { asRequestId, asSessionKey, asTurnId } from '../ids.ts';
import { contentKey, outputKey } from '../store/keys.ts';
import { memoryCore } from '../testing/memory-core.ts';
import {
  putOutput,
  putQuestion,
  readFields,
  readOutput,
  removeOutputs,
  removeQuestions,
} from './given-outputs.ts';
import { putContent, readContent, removeContents } from './pending-content.ts';

const SESSION = asSessionKey('s');
const [T1, T2] = [asTurnId('t1'), asTurnId('t2')];
const R = asRequestId('r');
const AT = epochMs(1);
const LANE_EXPIRES = 5 * 86_400;

function given(fails: (sk: string) => boolean = () => false) {
  const warnings: string[] = [];
  const core: Core = memoryCore({
    log: { info() {}, warn: (text) => warnings.push(text), error() {}, with: () => core.log },
  });
  const remove = core.store.delete.bind(core.store);
  core.store.delete = async (key) => {
    if (fails(key.sk)) throw new Error('throttled');
    return remove(key);
  };
  return { core, warnings };
}

describe('the content of a pending message', () => {
  it('is read from where it is, with its context', async () => {
    const { core } = given();
    const context = '{"locale":"de"}';
    await putContent(core, SESSION, T1, { content: 'apart', context });
    expect(await core.store.get(contentKey(SESSION, T1))).toEqual({
      content: 'apart',
      context,
      expires: LANE_EXPIRES,
    });
    const apart = { turn: T1, at: AT, size: 20 };
    expect(await readContent(core, SESSION, apart)).toEqual({ content: 'apart', context: { locale: 'de' } });
    expect(await readContent(core, SESSION, { turn: T1, at: AT, content: 'here' })).toEqual({
      content: 'here',
      context: {},
    });
    expect(await readContent(core, SESSION, { turn: T1, at: AT, content: '', context })).toEqual({
      content: '',
      context: { locale: 'de' },
    });
    expect(await readContent(core, SESSION, { ...apart, turn: T2 })).toBeUndefined();
  });

  it('is removed where it is apart; one that cannot be removed expires, and nothing fails with it', async () => {
    const { core, warnings } = given((sk) => sk.endsWith('t1'));
    for (const turn of [T1, T2]) await putContent(core, SESSION, turn, { content: 'apart' });
    await removeContents(core, SESSION, [{ turn: T2 } as never]);
    expect(await core.store.get(contentKey(SESSION, T2))).toBeDefined();
    await removeContents(core, SESSION, [
      { turn: T1, size: 0 },
      { turn: T2, size: 0 },
    ]);
    expect(await core.store.get(contentKey(SESSION, T1))).toBeDefined();
    expect(await core.store.get(contentKey(SESSION, T2))).toBeUndefined();
    expect(warnings).toHaveLength(1);
  });
});

describe('what a client gives for a call', () => {
  it('is read by its request and its digest, and one that cannot be removed expires', async () => {
    const { core, warnings } = given((sk) => sk.includes('first'));
    await putOutput(core, SESSION, R, { digest: 'first' }, { a: null });
    await putOutput(core, SESSION, R, { digest: 'second' }, null);
    expect(await core.store.get(outputKey(SESSION, R, 'first'))).toEqual({
      output: '{"a":null}',
      expires: LANE_EXPIRES,
    });
    expect(await readOutput(core, SESSION, R, { digest: 'first' })).toEqual({ a: null });
    expect(await readOutput(core, SESSION, R, { digest: 'second' })).toBeNull();
    expect(await readOutput(core, SESSION, asRequestId('x'), { digest: 'first' })).toBeUndefined();
    await removeOutputs(core, SESSION, [
      [R, { digest: 'first' }],
      [R, { digest: 'second' }],
    ]);
    expect(await readOutput(core, SESSION, R, { digest: 'second' })).toBeUndefined();
    expect(warnings).toHaveLength(1);
  });

  it('is checked by its question, which is there until it is answered', async () => {
    const { core } = given();
    const fields = [{ name: 'a', type: 'string', required: true }] as const;
    await putQuestion(core, SESSION, R, { fields: [...fields] });
    expect(await readFields(core, SESSION, R)).toEqual(fields);
    await putQuestion(core, SESSION, R, {});
    expect(await readFields(core, SESSION, R)).toBeNull();
    await removeQuestions(core, SESSION, [{ id: R }]);
    expect(await readFields(core, SESSION, R)).toBeUndefined();
  });
});
