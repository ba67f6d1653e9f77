import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { createMidturn } from './midturn.ts';
import { isPending } from './state.ts';
import { Clock, clockPlatform } from './testing/clock.ts';
import { FakeServer, seeded } from './testing/server.ts';
import { linesOfItems, linesOfStory } from './testing/story.ts';

const RUNS = Number(process.env.MIDTURN_CLIENT_RUNS ?? 150);
const SECOND = 1000;

/** How a run's network behaves while it is bad: shares of frames, from 0 to 1. */
const anyWeather = fc.record({
  seed: fc.integer(),
  lost: fc.double({ min: 0, max: 0.4, noNaN: true }),
  repeated: fc.double({ min: 0, max: 0.4, noNaN: true }),
  delayed: fc.double({ min: 0, max: 0.5, noNaN: true }),
  messages: fc.array(fc.integer({ min: 0, max: 6000 }), { minLength: 1, maxLength: 12 }),
  cuts: fc.array(fc.integer({ min: 0, max: 9000 }), { maxLength: 4 }),
  abortAt: fc.option(fc.integer({ min: 0, max: 6000 })),
});

it('P1, P9, P10: frames lost, repeated, reordered and cut anywhere: the view ends equal to the transcript', async () => {
  await fc.assert(
    fc.asyncProperty(anyWeather, async (weather) => {
      const { lost, repeated, delayed, messages, cuts, abortAt } = weather;
      const random = seeded(weather.seed);
      const clock = new Clock();
      const server = new FakeServer(clock, random);
      const carry = (): number[] => {
        if (random() < lost) return [];
        const delay = random() < delayed ? random() * 2 * SECOND : 1;
        return random() < repeated ? [delay, delay + random() * SECOND] : [delay];
      };
      server.channel = { carry };
      const { platform } = clockPlatform(clock, { random });
      const chat = createMidturn({
        url: 'ws://example.test/',
        sessionId: 's',
        WebSocket: server.WebSocket,
        platform,
      });
      const ids: string[] = [];
      for (const at of messages) clock.after(at, () => ids.push(chat.send(`said at ${at}`).id));
      for (const at of cuts) clock.after(at, () => server.cutAll());
      if (abortAt !== null) clock.after(abortAt, () => chat.abort());
      await clock.advance(10 * SECOND);
      server.channel = { carry: () => [1] };
      await clock.advance(300 * SECOND);

      const { story } = server;
      const state = chat.transcript.getSnapshot();
      expect(story.turn).toBeUndefined();
      expect(linesOfItems(state.items)).toEqual(linesOfStory(story));
      expect(state.activeTurn).toBeUndefined();
      expect(state.items.filter((item) => item.kind === 'user' && isPending(item))).toEqual([]);
      const taken = story.entries.flatMap((entry) => (entry.role === 'user' ? [entry.id] : []));
      expect(taken.toSorted()).toEqual(ids.toSorted());

      const reloaded = createMidturn({
        url: 'ws://example.test/',
        sessionId: 's',
        historyPage: 200,
        WebSocket: server.WebSocket,
        platform: clockPlatform(clock).platform,
      });
      await clock.advance(SECOND);
      expect(linesOfItems(reloaded.transcript.getSnapshot().items)).toEqual(linesOfStory(story));
      chat.close();
      reloaded.close();
      // What is still on its way may arrive; nobody may react to it.
      await clock.advance(SECOND);
      expect(clock.pending).toBe(0);
    }),
    { numRuns: RUNS },
  );
});
