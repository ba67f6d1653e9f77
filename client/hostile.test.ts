import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { cases } from '../test/support/sample.ts';
import { SEARCH_MS } from '../test/support/timeouts.ts';
import { createMidturn } from './midturn.ts';
import { Clock, clockPlatform } from './testing/clock.ts';
import { Judge } from './testing/judge.ts';
import { FakeServer, seeded } from './testing/server.ts';
import { linesOfItems, linesOfStory } from './testing/story.ts';

const RUNS = Number(process.env.MIDTURN_CLIENT_RUNS ?? cases(10_000));
/** The seed is fixed, so that a new failure is caused by the tested change. Another seed gives other runs. */
const SEED = Number(process.env.MIDTURN_CLIENT_SEED ?? 1);
const SECOND = 1000;

/** How the network of a run behaves while it is bad (shares of frames, from 0 to 1), and what the user does meanwhile. */
const anyWeather = fc.record({
  // A seed cannot be shrunk: another seed is another run, not a smaller one.
  seed: fc.noShrink(fc.integer()),
  lost: fc.double({ min: 0, max: 0.4, noNaN: true }),
  repeated: fc.double({ min: 0, max: 0.4, noNaN: true }),
  delayed: fc.double({ min: 0, max: 0.5, noNaN: true }),
  /** How long the network is bad. In some runs until the end, so that the last frames can be lost. */
  badFor: fc.integer({ min: 4000, max: 25_000 }),
  inboxLimit: fc.integer({ min: 2, max: 12 }),
  messages: fc.array(fc.record({ at: fc.nat(6000), withdrawnAfter: fc.option(fc.nat(3000), { freq: 3 }) }), {
    minLength: 1,
    maxLength: 12,
  }),
  cuts: fc.array(fc.nat(9000), { maxLength: 2 }),
  cutAfterPosts: fc.array(fc.integer({ min: 1, max: 150 }), { maxLength: 3 }),
  abortAt: fc.option(fc.nat(6000)),
});

it('P1, P9, P10: frames lost, repeated, reordered and cut anywhere: the view ends equal to the transcript', {
  timeout: SEARCH_MS,
}, async () => {
  await fc.assert(
    fc.asyncProperty(anyWeather, async (weather) => {
      const { lost, repeated, delayed, messages, cuts, abortAt } = weather;
      const random = seeded(weather.seed);
      const clock = new Clock();
      const server = new FakeServer(clock, random, weather.inboxLimit);
      server.channel = {
        carry() {
          if (random() < lost) return [];
          const delay = random() < delayed ? random() * 2 * SECOND : 1;
          return random() < repeated ? [delay, delay + random() * SECOND] : [delay];
        },
      };
      server.cutAfterPosts(weather.cutAfterPosts);
      const where = { url: 'ws://example.test/', sessionId: 's', WebSocket: server.WebSocket };
      const chat = createMidturn({ ...where, platform: clockPlatform(clock, { random }).platform });
      const judge = new Judge(chat);
      for (const { at, withdrawnAfter } of messages) {
        clock.after(at, () => {
          const message = chat.send(`said at ${at}`);
          judge.follow(message);
          if (withdrawnAfter !== null) clock.after(withdrawnAfter, () => chat.cancel(message.id));
        });
      }
      for (const at of cuts) clock.after(at, () => server.cutAll());
      if (abortAt !== null) clock.after(abortAt, () => chat.abort());
      await clock.advance(weather.badFor);
      server.channel = { carry: () => [1] };
      await clock.advance(400 * SECOND);

      expect(server.story.turn).toBeUndefined();
      judge.expectRight(server);

      // A page that is opened now is not cut any more and has one more second.
      server.cutAfterPosts([]);
      const reloaded = createMidturn({
        ...where,
        historyPage: 200,
        platform: clockPlatform(clock).platform,
      });
      await clock.advance(SECOND);
      expect(linesOfItems(reloaded.transcript.getSnapshot().items)).toEqual(linesOfStory(server.story));
      chat.close();
      reloaded.close();
      // Frames that are still in transit may arrive, but the closed client must not react to them.
      await clock.advance(SECOND);
      expect(clock.pending).toBe(0);
    }),
    { numRuns: RUNS, seed: SEED },
  );
});
