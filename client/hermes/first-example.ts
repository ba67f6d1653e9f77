import { fakeSockets } from '../testing/socket.ts';
import { Story } from '../testing/story.ts';

/** The host of an example that runs in Hermes: a network whose server answers a message with these words. */
export function answerWith(...words: string[]): void {
  const story = new Story();
  const { WebSocket } = fakeSockets((socket) => {
    socket.onsent = (frame) => {
      if (frame.type === 'connect') {
        socket.deliver(story.sessionStart('lane-1'), { type: 'connected', message: '' });
      }
      if (frame.type !== 'message') return;
      const { id = '', content } = frame;
      const before = story.events.length;
      story.begin([id]);
      story.takeIn([{ id, content }], 1);
      for (const word of words) story.say(word);
      story.end('done');
      socket.deliver(
        { type: 'accepted', id, turn_id: 'turn-1', placement: 'turn', position: 0 },
        ...story.events.slice(before),
      );
    };
    void Promise.resolve().then(() => socket.accept());
  });
  // The timers of the command-line program ignore their delay, so that every time limit would pass at once.
  Object.assign(globalThis, { WebSocket, setTimeout: () => 0 });
}
