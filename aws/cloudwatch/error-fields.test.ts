import { describe, expect, it } from 'vitest';
import { errorFields } from './error-fields.ts';

function thrownBy(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

describe('an error in a log', () => {
  it('is named, with its message and the places that it came through', () => {
    const { error, stack } = errorFields(new TypeError('no such lane'));
    expect(error).toBe('TypeError: no such lane');
    expect(stack).toMatch(/^at .*error-fields\.test\.ts/);
  });

  it('of a parser quotes nothing of what could not be parsed, neither in its message nor in its stack', () => {
    const thrown = thrownBy(() => JSON.parse('my password is hunter2'));
    expect(String(thrown)).toContain('my pass');
    const fields = errorFields(thrown);
    expect(fields.error).toBe('SyntaxError');
    expect(JSON.stringify(fields)).not.toContain('my pass');
  });

  it('with a message of several lines keeps them out of the stack', () => {
    expect(errorFields(new Error('one\ntwo')).stack).not.toContain('two');
  });

  it('without places has none', () => {
    const error = new Error('one');
    error.stack = undefined as never;
    expect(errorFields(error)).toEqual({ error: 'Error: one' });
    error.stack = 'Error: one';
    expect(errorFields(error)).toEqual({ error: 'Error: one' });
  });

  it('that is no error is not told: it may be anything', () => {
    expect(errorFields('my password is hunter2')).toEqual({ error: 'string thrown' });
  });
});
