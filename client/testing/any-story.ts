import * as fc from 'fast-check';
import { Story } from './story.ts';

const part = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('say' as const),
      text: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 5 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('think' as const), text: fc.constant('hm') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('tool' as const), text: fc.constant('') }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('steer' as const),
      text: fc.string({ unit: 'grapheme', maxLength: 5 }),
    }),
  },
);
const turn = fc.record({
  parts: fc.array(part, { maxLength: 8 }),
  end: fc.constantFrom('done' as const, 'aborted' as const, 'error' as const),
});

/** An arbitrary session of a few turns, of which the last may still run. */
export const anyStory: fc.Arbitrary<Story> = fc
  .record({ turns: fc.array(turn, { minLength: 1, maxLength: 4 }), isRunning: fc.boolean() })
  .map(({ turns, isRunning }) => {
    const story = new Story();
    let ids = 0;
    const message = (content: string) => {
      ids += 1;
      return { id: `u${ids}`, content };
    };
    turns.forEach(({ parts, end }, index) => {
      const first = message('first');
      let step = 1;
      story.begin([first.id]);
      story.takeIn([first], step);
      parts.forEach(({ kind, text }, at) => {
        if (kind === 'say') story.say(text);
        else if (kind === 'think') story.think(text);
        else if (kind === 'steer') {
          step += 1;
          story.takeIn([message(text), message(`${text}!`)], step);
        } else {
          story.call(`c${at}`);
          if (at % 2 === 0) story.show(`c${at}`, `so far ${at}`);
          story.result(`c${at}`);
        }
      });
      if (!isRunning || index < turns.length - 1) story.end(end);
    });
    return story;
  });
