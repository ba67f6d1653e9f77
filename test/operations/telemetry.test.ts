import { beforeAll, describe, expect, it } from 'vitest';
import { METRICS, METRICS_NAMESPACE, type MetricName, type MetricSpec } from '../../config/metrics.ts';
import { accepted, chunk, end, refused } from '../support/frames.ts';
import { createGate } from '../support/model-server.ts';
import { type SentSpan, spansIn } from '../support/spans.ts';
import { type Stack, startStack } from '../support/stack.ts';

/** What an operator gets: the lines that the functions of one stack print, and the spans that they send. */

interface Embedded {
  _aws: {
    Timestamp: number;
    CloudWatchMetrics: {
      Namespace: string;
      Dimensions: string[][];
      Metrics: { Name: MetricName; Unit: string }[];
    }[];
  };
  [field: string]: unknown;
}

interface Line {
  source: string;
  json: Record<string, unknown>;
}

const WORDS = {
  first: 'xyzzy is what the person wrote first',
  steering: 'xyzzy is what the person wrote then',
  answer: 'xyzzy is what the model said',
};

let lines: Line[] = [];
const spans: SentSpan[] = [];

const embedded = () => lines.flatMap(({ json }) => ('_aws' in json ? [json as Embedded] : []));

/** Sum of a metric, or of its part, and how many values it has. */
function measured(name: MetricName, part?: string): { sum: number; values: number } {
  const { dimension }: MetricSpec = METRICS[name];
  const values = embedded()
    .filter((line) => part === undefined || (dimension !== undefined && line[dimension] === part))
    .flatMap((line) => line[name] ?? []) as number[];
  return { sum: values.reduce((sum, value) => sum + value, 0), values: values.length };
}

/** One steered turn, one frame in error, one turn that fails, and a message in the turn queue that is no token. */
async function live(stack: Stack): Promise<void> {
  const gates = { first: createGate(), second: createGate() };
  stack.model.script((_, index) =>
    index === 0
      ? { chunks: [WORDS.answer, gates.first], usage: { input: 11, output: 7 } }
      : index === 1
        ? { chunks: [' and more', gates.second], usage: { input: 20, output: 5 } }
        : { status: 401, body: `{"error":{"message":"no: ${WORDS.first}, bad key sk-${'a'.repeat(24)}"}}` },
  );
  const client = await stack.connect('s');
  client.send({ type: 'message', id: 'm1', content: WORDS.first });
  await chunk(client, WORDS.answer);
  client.send({ type: 'message', id: 'm2', content: WORDS.steering });
  await accepted(client, 'm2');
  gates.first.open();
  await chunk(client, ' and more');
  gates.second.open();
  await end(client);
  client.sendRaw(`{"type":"message","content":"${WORDS.first}`);
  await refused(client, 'INVALID_JSON');
  client.send({ type: 'message', id: 'm3', content: WORDS.first });
  await end(client, 2);
  await stack.cloud.functions.invoke('turn', {
    Records: [{ messageId: 'bad-1', receiptHandle: 'none', body: WORDS.first }],
  });
  await stack.settleClients();
}

beforeAll(async () => {
  const stack = await startStack();
  stack.cloud.traces.listen((datagram) => spans.push(...spansIn(datagram)));
  try {
    await live(stack);
  } finally {
    // Ends every invocation, and with it come its metrics.
    await stack.close();
  }
  lines = stack.takeLog().flatMap((entry) => {
    const [, source = '', text = ''] = /^info (\w+): (\{.*)$/s.exec(entry) ?? [];
    return source ? [{ source, json: JSON.parse(text) }] : [];
  });
});

describe('metrics of one steered turn and one that failed', () => {
  it('are lines of the embedded format: known names with their units, split by stack and at most one dimension', () => {
    expect(embedded().length).toBeGreaterThan(0);
    for (const line of embedded()) {
      const [directive] = line._aws.CloudWatchMetrics;
      expect(directive?.Namespace).toBe(METRICS_NAMESPACE);
      expect(line.stack).toEqual(expect.any(String));
      expect(Math.abs(line._aws.Timestamp - Date.now())).toBeLessThan(600_000);
      for (const { Name, Unit } of directive?.Metrics ?? []) {
        const spec: MetricSpec = METRICS[Name];
        expect(Unit).toBe(spec.unit);
        const own = spec.dimension === undefined ? [] : [['stack', spec.dimension]];
        expect(directive?.Dimensions).toEqual([['stack'], ...own]);
        for (const dimension of directive?.Dimensions.flat() ?? [])
          expect(line[dimension]).toEqual(expect.any(String));
        expect(line[Name]).toBeDefined();
      }
    }
  });

  it.each<[MetricName, string | undefined, number]>([
    ['Turns', undefined, 2],
    ['Turns', 'done', 1],
    ['Turns', 'error', 1],
    ['Steps', undefined, 2],
    ['MessagesAccepted', undefined, 3],
    ['MessagesAnswered', undefined, 3],
    ['MessagesWithdrawn', undefined, 0],
    ['SteeringAccepted', undefined, 1],
    ['SteeringTakenIn', undefined, 1],
    ['InputTokens', undefined, 31],
    ['OutputTokens', undefined, 12],
    ['Refused', 'INVALID_JSON', 1],
    ['ModelFailures', 'AUTH_ERROR', 1],
    ['DeadLetters', undefined, 1],
    ['TakeOvers', undefined, 0],
    ['HandOvers', undefined, 0],
    ['Fenced', undefined, 0],
    ['PostsThrottled', undefined, 0],
  ])('%s %s is %d', (name, part, sum) => {
    expect(measured(name, part).sum).toBe(sum);
  });

  it.each<[MetricName, number]>([
    ['TurnTime', 2],
    ['QueueWait', 2],
    ['FirstChunk', 1],
  ])('%s was taken %d times', (name, values) => {
    expect(measured(name).values).toBe(values);
    expect(measured(name).sum).toBeGreaterThanOrEqual(0);
  });
});

describe('log lines', () => {
  const logged = () => lines.filter(({ json }) => !('_aws' in json));

  it('carry level, message, time and the request id of their invocation', () => {
    expect(logged().length).toBeGreaterThan(0);
    for (const { json } of logged()) {
      expect(json).toMatchObject({
        level: expect.stringMatching(/^(INFO|WARN|ERROR)$/),
        message: expect.any(String),
        timestamp: expect.any(String),
        function_request_id: expect.any(String),
        function_name: expect.any(String),
      });
    }
  });

  it('of a turn carry its session and its id', () => {
    const failed = logged().find(({ json }) => json.message === 'model call failed');
    expect(failed?.json).toMatchObject({
      session: 'local#anonymous#s',
      turn: expect.any(String),
      code: 'AUTH_ERROR',
    });
  });

  it('say at level INFO what became of every message, with its session, lane, turn and ids', () => {
    const of = (source: string) =>
      logged().flatMap(({ source: from, json }) => (from === source && json.level === 'INFO' ? [json] : []));
    const session = 'local#anonymous#s';
    const accepted = of('inbound').filter(({ message }) => message === 'message accepted');
    const ids = (lines: typeof accepted) => lines.map(({ message_id }) => message_id).sort();
    expect(ids(accepted)).toEqual(['m1', 'm2', 'm3']);
    const enqueued = of('inbound').filter(({ message }) => message === 'turn enqueued');
    expect(enqueued).toMatchObject([
      { session, lane: expect.any(String), slot: expect.any(String), ahead: 0 },
      { session, lane: expect.any(String), slot: expect.any(String), ahead: 0 },
    ]);
    const isMilestone = (message: unknown) => /^(turn|messages|first text)/.test(String(message));
    const life = of('turn').filter(({ message }) => isMilestone(message));
    const turns = Map.groupBy(life, ({ turn }) => turn);
    const [first = [], second = []] = [...turns.values()];
    expect(turns.size).toBe(2);
    expect(first).toMatchObject([
      { message: 'turn claimed', session, takeOver: false, sinceOpenedMs: expect.any(Number) },
      { message: 'messages applied', messages: ['m1'], step: 1, sinceReceivedMs: expect.any(Number) },
      { message: 'first text', sinceBegunMs: expect.any(Number) },
      { message: 'messages applied', messages: ['m2'], step: 2 },
      { message: 'turn ended', outcome: 'done', messages: 2, steps: 2, sinceBegunMs: expect.any(Number) },
    ]);
    expect(second).toMatchObject([
      { message: 'turn claimed' },
      { message: 'messages applied', messages: ['m3'] },
      { message: 'turn ended', outcome: 'error', code: 'AUTH_ERROR', messages: 1 },
    ]);
    for (const { lane, turn } of life) expect([lane, turn]).toEqual([expect.any(String), expect.any(String)]);
  });

  it('hold nothing of what was said, on either side, and no key', () => {
    const text = JSON.stringify(lines);
    expect(text).not.toContain('xyzzy');
    expect(text).not.toContain('sk-aaa');
  });
});

describe('spans', () => {
  const named = (name: string) => spans.filter((span) => span.name === name);

  it('follow a message from its frame through the queue to each model call, in one trace', () => {
    const turns = named('invoke_agent');
    expect(turns).toHaveLength(2);
    for (const turn of turns) {
      const trace = spans.filter(({ traceId }) => traceId === turn.traceId);
      const [inbound] = trace.filter(({ name }) => name === 'inbound');
      // Both stand under Lambda's own span of the frame, whose id SQS carries.
      expect(inbound).toMatchObject({ kind: 'server', parentId: turn.parentId });
      const calls = trace.filter(({ name }) => name === 'chat scripted');
      expect(calls.length).toBeGreaterThan(0);
      for (const call of calls) {
        expect(call).toMatchObject({ kind: 'client', parentId: turn.spanId });
        expect(call.from).toBeGreaterThanOrEqual(turn.from);
        expect(call.to).toBeLessThanOrEqual(turn.to);
      }
    }
  });

  it('have the names and attributes of the conventions for generative AI', () => {
    const [turn] = named('invoke_agent');
    expect(turn).toMatchObject({
      kind: 'internal',
      isError: false,
      attributes: {
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.conversation.id': 'local#anonymous#s',
        'midturn.turn.id': expect.any(String),
      },
    });
    const [first, , failed] = named('chat scripted');
    expect(first).toMatchObject({
      isError: false,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'openai-compatible',
        'gen_ai.request.model': 'scripted',
        'gen_ai.usage.input_tokens': 11,
        'gen_ai.usage.output_tokens': 7,
        'gen_ai.response.finish_reasons': [expect.any(String)],
      },
    });
    expect(failed).toMatchObject({ isError: true, attributes: { 'error.type': 'unauthorised' } });
  });

  it('contain nothing that anybody said', () => {
    const sent = spans.map(({ from: _, to: __, ...span }) => JSON.stringify(span)).join();
    expect(sent).not.toContain('xyzzy');
    expect(sent).not.toContain('sk-a');
  });
});
