import type { Model, ModelPart, ModelRequest, Toolbox } from '../../lambdas/core/model.ts';
import type { Cloud } from './cloud.ts';
import type { Actor } from './scheduler.ts';

/** A model and tools that do anything at any point: stream, think, call tools, fail early or late, hang. */
export function scriptedAgent(cloud: Cloud, actor: Actor): { model: Model; toolbox: Toolbox } {
  const { scheduler } = cloud;
  const { random } = scheduler;
  const troubled = () => scheduler.faults.error > 0 || scheduler.faults.crash > 0;

  async function* stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelPart> {
    const call = cloud.modelCalled(actor, JSON.parse(JSON.stringify(request.messages)));
    await scheduler.operation(
      actor,
      () => `model call ${call}`,
      false,
      () => {},
      false,
    );
    if (troubled() && random.chance(0.06)) {
      yield failure(random.chance(0.7));
      return;
    }
    const words = random.int(1, 4);
    for (let word = 1; word <= words; word++) {
      await scheduler.sleep(actor, random.int(0, 160), signal);
      if (troubled() && random.chance(0.01)) await scheduler.sleep(actor, 60_000, signal);
      if (signal.aborted) return;
      await scheduler.operation(
        actor,
        () => `model says word ${word} of call ${call}`,
        false,
        () => {},
        false,
      );
      if (random.chance(0.15)) yield { type: 'thinking', text: `(${call}.${word})` };
      yield { type: 'text', text: `<${call}.${word}>` };
      if (troubled() && random.chance(0.03)) {
        yield failure(true);
        return;
      }
    }
    if (request.toolChoice === 'auto' && random.chance(0.25)) {
      for (let i = 0; i < random.int(1, 2); i++) {
        yield {
          type: 'tool_call',
          id: `call${call}-${i}`,
          name: random.pick('safe', 'once'),
          args: { n: call },
        };
      }
    }
    yield { type: 'finish', reason: 'stop', usage: { inputTokens: 10, outputTokens: words } };
  }

  return {
    model: { provider: 'scripted', name: 'scripted', stream },
    toolbox: {
      async run(call, { signal, idempotencyKey }) {
        const runs = (cloud.toolRuns.get(idempotencyKey) ?? 0) + 1;
        cloud.toolRuns.set(idempotencyKey, runs);
        if (runs > 1 && call.name === 'once')
          cloud.violated('P13', `tool call ${idempotencyKey} ran ${runs} times`);
        await scheduler.sleep(actor, random.int(0, 1500), signal);
        await scheduler.operation(
          actor,
          () => `tool ${call.name} ${call.id}`,
          false,
          () => {},
          false,
        );
        return { output: { ran: call.id }, isError: random.chance(0.1) };
      },
      isIdempotent: (name) => name === 'safe',
    },
  };
}

const failure = (retryable: boolean): ModelPart => ({
  type: 'failure',
  failure: { code: 'PROVIDER_ERROR', message: 'The model failed.', retryable, diagnostic: 'scripted' },
});
