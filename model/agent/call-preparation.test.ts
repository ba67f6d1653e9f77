import { Output } from 'ai';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { PreparationError } from '../../core/preparation-error.ts';
import { ANNS_SETUP } from '../../core/testing/call-setup.ts';
import type { AgentDefinition } from './agent-definition.ts';
import { isLeftOut, withContexts } from './call-contexts.ts';
import { agentOfTurn, callPreparationOf, toolContextOf } from './call-preparation.ts';
import { CALLBACKS } from './callbacks.ts';
import { defineAgent } from './define-agent.ts';

const { caller } = ANNS_SETUP;
const agentWith = (options: object) => defineAgent(options as Partial<AgentDefinition>);
const look = { inputSchema: z.object({}), execute: () => 'seen' };
const of = (prepared: unknown) => ({ ...ANNS_SETUP, prepared: prepared as never });
/** What is committed of a turn of an agent whose `prepareCall` returns this. */
const committed = (returned: unknown, options: object = {}) =>
  callPreparationOf(agentWith({ ...options, prepareCall: () => returned }))?.prepare?.(caller);

describe('options of a message', () => {
  it('are what the schema makes of them, or the first field that does not fit; without a schema there are none', async () => {
    const callOptionsSchema = z.object({ city: z.object({ name: z.string() }), n: z.number().default(3) });
    const checks = callPreparationOf(agentWith({ callOptionsSchema }));
    expect(await checks?.check({ city: { name: 'Bern' } })).toEqual({
      options: { city: { name: 'Bern' }, n: 3 },
    });
    expect(await checks?.check({ city: { name: 7 } })).toEqual({ path: 'city.name' });
    expect(await checks?.check(7)).toEqual({ path: '' });
    expect(checks?.prepare).toBeUndefined();
    const free = callPreparationOf(agentWith({ instructions: () => 'Be brief.' }));
    expect(await free?.check({ admin: true })).toEqual({ options: undefined });
    const dated = callPreparationOf(agentWith({ callOptionsSchema: z.object({ at: z.coerce.date() }) }));
    await expect(dated?.check({ at: 0 })).rejects.toThrow(PreparationError);
    expect(callPreparationOf(agentWith({ instructions: 'Be brief.' }))).toBeUndefined();
  });
});

describe('what is committed with a turn’s start', () => {
  it('is what the code changed, and what it left out', async () => {
    const options = { instructions: 'Be brief.', temperature: 1, settings: { seed: 3 }, tools: { look } };
    const same = { instructions: 'Be brief.', temperature: 1, seed: 3 };
    const changing = (change: (call: Record<string, unknown>) => unknown) =>
      callPreparationOf(agentWith({ ...options, prepareCall: change }))?.prepare?.(caller);
    expect(await changing((call) => call)).toEqual({ set: {} });
    expect(await changing((call) => ({ ...call, temperature: 0, toolChoice: 'none' }))).toEqual({
      set: { temperature: 0, toolChoice: 'none' },
    });
    expect(await changing(({ seed: _, temperature: __, ...call }) => call)).toEqual({
      set: {},
      left: ['seed', 'temperature'],
    });
    let given: Record<string, unknown> = {};
    await changing((call) => {
      given = call;
      return call;
    });
    expect(given).toEqual({ ...same, tools: { look }, caller });
  });

  it('P12: is what the code makes of who asks and of the options, whenever it has an answer', async () => {
    const asking = { ...caller, options: { precise: true } };
    const prepareCall = async (call: Record<string, unknown> & { caller: typeof asking }) => ({
      ...call,
      runtimeContext: {
        options: call.options,
        subject: call.caller.principal.subject,
        turn: call.caller.turnId,
      },
    });
    const agent = agentWith({ prepareCall, callOptionsSchema: z.object({ precise: z.boolean() }) });
    expect(await callPreparationOf(agent)?.prepare?.(asking)).toEqual({
      set: { runtimeContext: { options: { precise: true }, subject: 'ann', turn: 'turn' } },
    });
  });

  it('is asked of all options but those that are no part of a call', async () => {
    const part = {
      model: 'house/m',
      temperature: 0.5,
      stopWhen: () => true,
      prepareStep: () => ({}),
      repairToolCall: async () => null,
      runtimeContext: { plan: 'free' },
      toolsContext: { look: { n: 1 } },
      toolCallConcurrency: 2,
    };
    const none = {
      settings: { topK: 5, temperature: 1 },
      mcp: { books: { url: 'https://a.test' } },
      fallbackModel: 'house/n',
      prices: { currency: 'EUR', perMillionTokens: {} },
      budget: () => ({}),
      hooks: { afterTurn: () => {} },
      titles: {},
      compaction: {},
      ...Object.fromEntries(CALLBACKS.map((name) => [name, () => {}])),
    };
    let given: Record<string, unknown> = {};
    const prepareCall = (call: Record<string, unknown>) => {
      given = call;
      const { stopWhen: _, prepareStep: __, repairToolCall: ___, ...rest } = call;
      return rest;
    };
    const prepared = callPreparationOf(
      agentWith({ ...part, ...none, tools: { look: { tool: look, idempotent: true } }, prepareCall }),
    );
    // It may leave out functions, and nothing else is a change.
    expect(await prepared?.prepare?.(caller)).toEqual({
      set: {},
      left: ['stopWhen', 'prepareStep', 'repairToolCall'],
    });
    expect(given).toEqual({
      ...part,
      instructions: '',
      topK: 5,
      tools: { look },
      options: undefined,
      caller,
    });
  });

  it.each(['model', 'tools', 'output'])('cannot be without %s', async (option) => {
    const change = (call: object) => ({ ...call, [option]: undefined });
    const agent = agentWith({
      model: 'house/m',
      tools: { look },
      output: Output.json(),
      prepareCall: change,
    });
    await expect(callPreparationOf(agent)?.prepare?.(caller)).rejects.toThrow(
      `prepareCall cannot change ${option} here`,
    );
  });

  it.each([
    undefined,
    null,
    'words',
    { temperature: Number.NaN },
    { runtimeContext: { at: new Date(0) } },
    { hooks: {} },
    { onEnd: () => {} },
    { stopWhen: () => true },
    { tools: {} },
    { model: 'house/m' },
  ])('is nothing but JSON of an option that may change: not %j', async (returned) => {
    await expect(committed(returned)).rejects.toThrow(PreparationError);
  });

  it('has the instructions that a function made, unless `prepareCall` leaves them out', async () => {
    const instructions = async ({ caller: { principal } }: { caller: typeof caller }) =>
      `For ${principal.subject}.`;
    expect(await callPreparationOf(agentWith({ instructions }))?.prepare?.(caller)).toEqual({
      set: { instructions: 'For ann.' },
    });
    const left = callPreparationOf(
      agentWith({
        instructions,
        prepareCall: ({ instructions: _, ...call }: { instructions: unknown }) => call,
      }),
    );
    expect(await left?.prepare?.(caller)).toEqual({ set: {}, left: ['instructions'] });
    const odd = callPreparationOf(agentWith({ instructions: () => undefined }));
    await expect(odd?.prepare?.(caller)).rejects.toThrow(PreparationError);
  });
});

describe('the agent of a turn', () => {
  const agent = agentWith({
    instructions: 'Be brief.',
    temperature: 1,
    settings: { seed: 3 },
    stopWhen: () => true,
  });

  it('is that of the code where nothing was committed', () => {
    expect(agentOfTurn(agent, ANNS_SETUP)).toEqual(agent);
    expect(agentOfTurn(agent, undefined)).toEqual(agent);
    expect(() => agentOfTurn(agentWith({ instructions: () => 'x' }), ANNS_SETUP)).toThrow(PreparationError);
  });

  it('is as it was committed, without what was left out', () => {
    const changed = agentOfTurn(
      agent,
      of({ set: { temperature: 0, instructions: 'Be kind.' }, left: ['seed', 'stopWhen'] }),
    );
    expect(changed).toMatchObject({ temperature: 0, instructions: 'Be kind.' });
    for (const option of ['seed', 'stopWhen']) expect(changed).not.toHaveProperty(option);
    expect(agentOfTurn(agent, of({ left: ['instructions'] }))).toMatchObject({
      instructions: '',
      temperature: 1,
      seed: 3,
    });
    expect(agentOfTurn(agent, of({}))).toMatchObject({ instructions: 'Be brief.', temperature: 1 });
  });

  it('has the contexts of the code, those that were committed, or none', () => {
    const contexts = { runtimeContext: { plan: 'free' }, toolsContext: { look: { n: 1 } } };
    expect(withContexts(contexts, undefined)).toEqual(contexts);
    expect(withContexts(contexts, of({ set: { runtimeContext: { plan: 'pro' } } }))).toEqual({
      ...contexts,
      runtimeContext: { plan: 'pro' },
    });
    expect(withContexts(contexts, of({ left: ['toolsContext'] }))).toEqual({
      runtimeContext: { plan: 'free' },
    });
    expect(withContexts({}, ANNS_SETUP)).toEqual({});
    expect([
      isLeftOut(of({ left: ['stopWhen'] }), 'stopWhen'),
      isLeftOut(ANNS_SETUP, 'stopWhen'),
      isLeftOut(undefined, 'stopWhen'),
    ]).toEqual([true, false, false]);
  });

  it('P12: gives a tool its own context, and who asks, whatever the context says of it', () => {
    const own = { ...agent, toolsContext: { look: { n: 1, caller: 'somebody else' }, other: { secret: 1 } } };
    expect(toolContextOf(own, ANNS_SETUP, 'look')).toEqual({ n: 1, caller });
    for (const name of ['unknown', 'constructor', '__proto__'])
      expect(toolContextOf(own, ANNS_SETUP, name)).toEqual({ caller });
    const committedContext = of({ set: { toolsContext: { look: { n: 2 } } } });
    expect(toolContextOf(own, committedContext, 'look')).toEqual({ n: 2, caller });
    expect(toolContextOf(own, of({ left: ['toolsContext'] }), 'look')).toEqual({ caller });
  });
});
