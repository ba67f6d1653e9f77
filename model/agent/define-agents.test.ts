import { describe, expect, expectTypeOf, it } from 'vitest';
import { PreparationError } from '../../core/preparation-error.ts';
import { defineAgent } from './define-agent.ts';
import { type AgentWish, defineAgents } from './define-agents.ts';

const support = defineAgent({ instructions: 'You are support.' });
const sales = defineAgent({ instructions: 'You are sales.' });
const who = { principal: { tenant: 'acme', subject: 'ann' }, claims: {} };

describe('several agents', () => {
  it('give a session what its client asked for, or else the default, which is the first', async () => {
    const agents = defineAgents({ support, sales });
    expect(await agents.choose({ ...who, asked: 'sales' })).toBe('sales');
    expect(await agents.choose({ ...who, asked: undefined })).toBe('support');
    expect(
      await defineAgents({ support, sales }, { default: 'sales' }).choose({ ...who, asked: undefined }),
    ).toBe('sales');
  });

  it('have no agent of another name, also not one that every object has', async () => {
    const agents = defineAgents({ support, sales });
    for (const asked of ['staff', 'constructor', '__proto__', ''])
      expect(await agents.choose({ ...who, asked })).toBeUndefined();
  });

  it('are chosen by the code of the team, which may refuse, and whose mistakes are errors', async () => {
    const agents = defineAgents(
      { support, sales },
      {
        choose: ({ claims, asked }) => {
          expectTypeOf(asked).toEqualTypeOf<'support' | 'sales' | undefined>();
          if (claims.role === 'none') return undefined;
          return claims.role === 'odd' ? ('odd' as 'sales') : (asked ?? 'sales');
        },
      },
    );
    expect(await agents.choose({ ...who, asked: undefined })).toBe('sales');
    expect(await agents.choose({ ...who, claims: { role: 'none' }, asked: 'sales' })).toBeUndefined();
    await expect(agents.choose({ ...who, claims: { role: 'odd' }, asked: undefined })).rejects.toThrow(
      'choose gave a name that is no agent',
    );
  });

  it('are chosen by code that is told who asks, and never asked for one that is none', async () => {
    const asked: unknown[] = [];
    const choosing = (choice: unknown) =>
      defineAgents(
        { support, sales },
        {
          async choose(wish) {
            asked.push(wish);
            return choice as never;
          },
        },
      );
    expect(await choosing('sales').choose({ ...who, asked: 'support' })).toBe('sales');
    expect(await choosing('sales').choose({ ...who, asked: 'staff' })).toBeUndefined();
    expect(asked).toEqual([{ ...who, asked: 'support' }]);
    for (const odd of ['constructor', '', null])
      await expect(choosing(odd).choose({ ...who, asked: undefined })).rejects.toThrow(PreparationError);
  });

  it('refuse a mistake where they are defined', () => {
    expect(() => defineAgents({})).toThrow('defineAgents names no agent.');
    expect(() => defineAgents({ 'a b': support })).toThrow('Agent name "a b"');
    expect(() => defineAgents({ support }, { default: 'toString' as 'support' })).toThrow(
      'default: there is no agent "toString".',
    );
    // @ts-expect-error it is none of them
    expect(() => defineAgents({ support }, { default: 'sales' })).toThrow('there is no agent "sales"');
  });

  it('are asked with a wish that names one of them', () => {
    expectTypeOf<AgentWish<'a'>['asked']>().toEqualTypeOf<'a' | undefined>();
  });
});
