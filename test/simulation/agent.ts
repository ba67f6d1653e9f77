import { milliseconds } from '../../config/units.ts';
import type {
  CallSetup,
  ClientTools,
  Model,
  ModelPart,
  ModelRequest,
  Toolbox,
  ToolCall,
  VerbatimPart,
} from '../../core/model.ts';
import type { Served } from './agents.ts';
import { CLIENT_TOOL, isUnfit } from './client-calls.ts';
import { preparingSteps } from './contexts.ts';
import type { Given } from './parts.ts';
import type { Promptness } from './promptness.ts';
import { refusalOf, runsOpenIn } from './provider-rules.ts';
import type { Actor, Scheduler } from './scheduler.ts';
import { ShowingTool } from './shown.ts';
import { ASKS, type SubagentWatch } from './subagents.ts';
import { modelSays } from './texts.ts';

/** Longer than a worker's time limit. */
const HANG_MS = 10_000;
/** Where nothing fails, a model pauses: text must not wait for more of it. */
const PAUSE_MS = milliseconds(1000);
/** A worker polls every half second, and each poll takes time. */
const CUT_WITHIN_MS = 3000;
/** Shorter than some runs of the tools. */
const TOOL_LIMIT_MS = 1300;

/** What the agent reads of its cloud, and reports to it. */
interface AgentWorld {
  readonly scheduler: Scheduler;
  readonly settings: {
    fatalTools: boolean;
    approvals: boolean;
    stallMs: number;
    contexts?: boolean;
    shows?: boolean;
    subagents?: boolean;
    clients?: boolean;
  };
  readonly modelCalls: readonly unknown[];
  readonly answers: { messages: unknown[]; text: string; prepared?: unknown }[];
  readonly given: CallSetup[];
  readonly served: Served[];
  readonly gave: Map<number, Given>;
  readonly toolRuns: Map<string, number>;
  readonly promptness: Promptness;
  readonly hooks: { runs(actor: Actor, call: ToolCall): void };
  readonly subagents: Pick<SubagentWatch, 'called'>;
  /** @returns the call's number */
  modelCalled(actor: Actor, model: string, messages: unknown[]): number;
  heeded(actor: Actor, call: ToolCall, signal: AbortSignal): void;
  runsGuarded(key: string, args: unknown): void;
  violated(promise: string, why: string): void;
}

/**
 * Models and tools that do anything at any time: stream, think, search, name sources, pause, call tools, fail early or late, hang.
 * They refuse what providers refuse.
 */
export function scriptedAgent(
  cloud: AgentWorld,
  actor: Actor,
  agent?: string,
): { model: Model; fallback: Model; toolbox: Toolbox } {
  const { scheduler } = cloud;
  const { random } = scheduler;
  const nameOf = () => {
    if (cloud.settings.fatalTools && random.chance(0.03)) return 'fatal';
    if (cloud.settings.clients && random.chance(0.5)) return CLIENT_TOOL;
    if (cloud.settings.subagents && random.chance(0.6)) return ASKS;
    const name = cloud.settings.approvals && random.chance(0.5) ? 'guarded' : random.pick('safe', 'once');
    return name === 'safe' && cloud.modelCalls.length % 2 === 0 ? 'brief' : name;
  };
  const troubled = () => scheduler.faults.error > 0 || scheduler.faults.crash > 0;

  /** The model sends nothing for a while. A worker that is not paused must stop it. */
  async function hang(signal: AbortSignal): Promise<void> {
    const at = scheduler.now - actor.pausedMs;
    await scheduler.sleep(actor, HANG_MS, signal);
    const waited = scheduler.now - actor.pausedMs;
    if (waited - at > cloud.settings.stallMs + CUT_WITHIN_MS)
      cloud.violated('liveness', `a silent model was awaited for ${waited - at} ms`);
  }

  async function* stream(
    name: string,
    request: ModelRequest,
    signal: AbortSignal,
  ): AsyncGenerator<ModelPart> {
    if (request.setup) {
      cloud.given.push(request.setup);
      cloud.served.push({ turn: request.setup.caller.turnId, agent });
    }
    const call = cloud.modelCalled(actor, name, JSON.parse(JSON.stringify(request.messages)));
    const told = cloud.subagents.called(request.setup?.caller.turnId ?? '', call);
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
    const refused = refusalOf(request.messages, `scripted:${name}`, cloud.gave);
    if (refused) {
      cloud.violated('P11', `the provider refuses the prompt of model call ${call}: ${refused}`);
      yield failure(false);
      return;
    }
    let text = '';
    const parts: VerbatimPart[] = [];
    let runs = 0;
    let isOpen = false;
    let hasSources = false;
    const found = (id: string): ModelPart => {
      parts.push({ opaque: `(${call}.found ${id})`, of: 'result', id });
      return { type: 'provider_result', id, name: 'search', output: { found: id }, isError: false };
    };
    // A result can come in a later call than its run.
    for (const id of runsOpenIn(request.messages)) if (random.chance(0.8)) yield found(id);
    const words = random.int(1, 4);
    for (let word = 1; word <= words; word++) {
      await scheduler.sleep(actor, random.int(0, 160), signal);
      if (!cloud.settings.fatalTools && word === 3) await scheduler.sleep(actor, PAUSE_MS, signal);
      if (troubled() && random.chance(0.01)) await hang(signal);
      if (signal.aborted) return;
      await scheduler.operation(
        actor,
        () => `model says word ${word} of call ${call}`,
        false,
        () => {},
        false,
      );
      if (random.chance(0.06)) {
        const id = `run${call}-${++runs}`;
        parts.push({ opaque: `(${call}.run ${id})`, of: 'call', id });
        yield { type: 'provider_call', id, name: 'search', args: { n: call } };
        if (random.chance(0.6)) yield found(id);
        else isOpen = true;
      }
      if (random.chance(0.05)) {
        hasSources = true;
        yield { type: 'source', source: { kind: 'url', url: `https://example.com/${call % 3}` } };
      }
      if (random.chance(0.15)) {
        const thought = `(${call}.${word})`;
        parts.push({ opaque: thought });
        yield { type: 'thinking', text: thought };
      }
      const pieces = modelSays(`<${call}.${word}>`, call, word);
      const said = pieces.join('');
      parts.push({ text: said.length, ...(word > 1 && { meta: `word ${word}` }) });
      text += said;
      cloud.promptness.begins('shown', `<${call}.${word}>`, scheduler.now);
      for (const piece of pieces) yield { type: 'text', text: piece };
      if (troubled() && random.chance(0.03)) {
        yield failure(true);
        return;
      }
    }
    const isPaused = request.toolChoice === 'auto' && random.chance(isOpen ? 0.6 : 0.03);
    if (!isPaused && request.toolChoice === 'auto' && random.chance(0.25)) {
      for (let i = 0; i < random.int(1, 2); i++) {
        parts.push({ call: `call${call}-${i}`, ...(i === 0 && { meta: `signed ${call}` }) });
        yield {
          type: 'tool_call',
          id: `call${call}-${i}`,
          name: nameOf(),
          args: { n: call },
        };
      }
    } else if (name !== 'second' && !isPaused && runs === 0 && !hasSources)
      cloud.answers.push({ messages: request.messages, text, prepared: request.setup?.prepared });
    const thought = parts.some((part) => 'opaque' in part);
    if (thought) cloud.gave.set(call, { model: `scripted:${name}`, text, parts });
    told(10 + words);
    yield {
      type: 'finish',
      reason: isPaused ? 'paused' : 'stop',
      usage: { inputTokens: 10, outputTokens: words },
      ...(thought && { parts }),
    };
  }

  const named = (name: string): Model => ({
    provider: 'scripted',
    name,
    fingerprint: name,
    stream: (request, signal) => stream(name, request, signal),
  });
  const prepares = () =>
    scheduler.operation(
      actor,
      () => 'a step is prepared',
      false,
      () => {},
      false,
    );
  const served = (name: string) =>
    cloud.settings.contexts ? preparingSteps(named(name), named, prepares) : named(name);
  return {
    model: served('first'),
    fallback: served('second'),
    toolbox: {
      async run(call, { signal, idempotencyKey, setup, display }) {
        cloud.given.push(setup);
        cloud.hooks.runs(actor, call);
        const runs = (cloud.toolRuns.get(idempotencyKey) ?? 0) + 1;
        cloud.toolRuns.set(idempotencyKey, runs);
        if (runs > 1 && call.name === 'once')
          cloud.violated('P13', `tool call ${idempotencyKey} ran ${runs} times`);
        if (call.name === CLIENT_TOOL) cloud.violated('client', `${call.id} ran in the function`);
        if (call.name === 'guarded' && !isFree(call)) cloud.runsGuarded(idempotencyKey, call.args);
        if (call.name === 'fatal') scheduler.kill(actor, 'killed by a tool');
        cloud.heeded(actor, call, signal);
        const showing = cloud.settings.shows && new ShowingTool(scheduler, actor, display, runs);
        if (showing) await showing.work(signal);
        else await scheduler.sleep(actor, random.int(0, 1500), signal);
        cloud.heeded(actor, call, signal);
        await scheduler.operation(
          actor,
          () => `tool ${call.name} ${call.id}`,
          false,
          () => {},
          false,
        );
        if (showing) void showing.outlive();
        return { output: { ran: call.id }, isError: random.chance(0.1) };
      },
      needsApproval: async (call) =>
        (call.name === 'guarded' || (cloud.settings.approvals && call.name === CLIENT_TOOL)) && !isFree(call),
      alwaysCovers: async ({ name }) => name,
      ...(cloud.settings.clients && { client: RUN_BY_CLIENTS }),
      isIdempotent: (name) => name !== 'once',
      isAbortable: (name) => name === 'brief' || name === ASKS,
      timeLimitMs: () => milliseconds(TOOL_LIMIT_MS),
    },
  };
}

const RUN_BY_CLIENTS: ClientTools = {
  has: (name) => name === CLIENT_TOOL,
  complaintAbout: async ({ args }) => (isUnfit(args) ? 'Not run: the arguments do not fit.' : undefined),
  outcomeOf: async (_call, output) => ({ output, isError: false }),
  answerSeconds: () => undefined,
};

/** Whether a call needs approval depends on its input. */
const isFree = ({ args }: { args: unknown }) => (args as { n: number }).n % 5 === 0;

const failure = (retryable: boolean): ModelPart => ({
  type: 'failure',
  failure: {
    code: 'PROVIDER_ERROR',
    reason: 'provider',
    message: 'The model failed.',
    retryable,
    diagnostic: 'scripted',
  },
});
