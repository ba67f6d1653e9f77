import { describe, expect, expectTypeOf, it } from 'vitest';
import { milliseconds } from '../../config/units.ts';
import { embeddedMetrics } from './emf.ts';

function given() {
  const lines: string[] = [];
  const metrics = embeddedMetrics(
    'Shop',
    (line) => lines.push(line),
    () => 1_800_000_000_000,
  );
  const flushed = () => {
    metrics.flush();
    return lines.splice(0).map((line) => JSON.parse(line));
  };
  return { metrics, flushed };
}

const directive = (dimensions: string[][], ...metrics: [string, string][]) => ({
  Timestamp: 1_800_000_000_000,
  CloudWatchMetrics: [
    {
      Namespace: 'Midturn',
      Dimensions: dimensions,
      Metrics: metrics.map(([Name, Unit]) => ({ Name, Unit })),
    },
  ],
});

describe('embedded metrics', () => {
  it('sums counts, keeps every time, and writes both in one line with the stack as their dimension', () => {
    const { metrics, flushed } = given();
    metrics.count('Steps');
    metrics.count('Steps');
    metrics.count('HandOvers', 120);
    metrics.time('FirstChunk', milliseconds(40));
    metrics.time('FirstChunk', milliseconds(60));
    metrics.time('TurnTime', milliseconds(700));
    expect(flushed()).toEqual([
      {
        _aws: directive(
          [['stack']],
          ['Steps', 'Count'],
          ['HandOvers', 'Count'],
          ['FirstChunk', 'Milliseconds'],
          ['TurnTime', 'Milliseconds'],
        ),
        stack: 'Shop',
        Steps: 2,
        HandOvers: 120,
        FirstChunk: [40, 60],
        TurnTime: 700,
      },
    ]);
  });

  it('writes a line for each value of a dimension: it counts there, and in the total', () => {
    const { metrics, flushed } = given();
    metrics.countBy('Turns', 'done');
    metrics.countBy('Turns', 'done');
    metrics.countBy('Turns', 'aborted');
    expect(flushed()).toEqual([
      {
        _aws: directive([['stack'], ['stack', 'outcome']], ['Turns', 'Count']),
        stack: 'Shop',
        outcome: 'done',
        Turns: 2,
      },
      {
        _aws: directive([['stack'], ['stack', 'outcome']], ['Turns', 'Count']),
        stack: 'Shop',
        outcome: 'aborted',
        Turns: 1,
      },
    ]);
  });

  it('keeps what has another dimension of the same value apart', () => {
    const { metrics, flushed } = given();
    metrics.countBy('Refused', 'PROVIDER_ERROR');
    metrics.countBy('ModelFailures', 'PROVIDER_ERROR');
    metrics.countBy('Turns', 'PROVIDER_ERROR');
    expect(flushed()).toMatchObject([
      { code: 'PROVIDER_ERROR', Refused: 1, ModelFailures: 1 },
      { outcome: 'PROVIDER_ERROR', Turns: 1 },
    ]);
  });

  it('puts at most a hundred values of a metric into one line', () => {
    const { metrics, flushed } = given();
    for (let n = 0; n < 250; n++) metrics.time('QueueWait', milliseconds(n));
    metrics.count('Steps');
    const lines = flushed();
    expect(lines.map(({ QueueWait }) => QueueWait.length)).toEqual([100, 100, 50]);
    expect(lines.map(({ Steps }) => Steps)).toEqual([1, undefined, undefined]);
    expect(lines[1]._aws.CloudWatchMetrics[0].Metrics).toEqual([{ Name: 'QueueWait', Unit: 'Milliseconds' }]);
  });

  it('takes a time that a clock which was set back makes negative for none', () => {
    const { metrics, flushed } = given();
    for (const duration of [-1, 0, 1]) metrics.time('TurnTime', milliseconds(duration));
    expect(flushed()).toMatchObject([{ TurnTime: [0, 0, 1] }]);
  });

  it('writes nothing twice, and nothing where nothing was measured', () => {
    const { metrics, flushed } = given();
    expect(flushed()).toEqual([]);
    metrics.count('Fenced');
    expect(flushed()).toHaveLength(1);
    expect(flushed()).toEqual([]);
  });

  it('is split by its dimension or not at all, as the type check holds', () => {
    const { metrics } = given();
    // @ts-expect-error split by outcome
    metrics.count('Turns');
    // @ts-expect-error has no dimension
    metrics.countBy('Steps', 'x');
    // @ts-expect-error is a count
    metrics.time('Steps', 1);
    expectTypeOf(metrics.countBy)
      .parameter(0)
      .toEqualTypeOf<
        | 'Turns'
        | 'AgentTurns'
        | 'Refused'
        | 'ModelFailures'
        | 'PromptsReshaped'
        | 'Approvals'
        | 'ClientCalls'
        | 'MessagesWithdrawn'
        | 'McpFailures'
        | 'CaughtErrors'
        | 'BudgetRefusals'
        | 'HookRefusals'
        | 'HookFailures'
        | 'InputTokens'
        | 'OutputTokens'
        | 'CacheReadTokens'
        | 'CacheWriteTokens'
        | 'ReasoningTokens'
        | 'Cost'
        | 'BudgetRefusals'
        | 'Compactions'
        | 'Titles'
        | 'CompactionInputTokens'
        | 'CompactionOutputTokens'
        | 'CompactionCost'
      >();
  });
});
