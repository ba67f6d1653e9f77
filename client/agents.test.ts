import { describe, expect, it } from 'vitest';
import { givenChat } from './testing/given-chat.ts';

describe('several agents', () => {
  it('are in the state, as the session can have them, and so is the one that it has', async () => {
    const { chat, open, story } = givenChat();
    expect(chat.transcript.getSnapshot()).toMatchObject({ agent: undefined, agents: [] });
    const socket = await open('lane-1', { agents: ['support', 'sales'] });
    expect(chat.transcript.getSnapshot()).toMatchObject({ agent: undefined, agents: ['support', 'sales'] });
    story.begin(['m1']);
    socket.deliver(
      ...story.events.map((event) => (event.type === 'turn_start' ? { ...event, agent: 'sales' } : event)),
    );
    expect(chat.transcript.getSnapshot().agent).toBe('sales');
  });

  it('one that is chosen is asked for by each connection, before it sends a message', async () => {
    const { chat, open, sockets } = givenChat({ agent: 'support' });
    const first = await open();
    expect(first.sentOf('connect')[0]).toMatchObject({ agent: 'support' });
    chat.chooseAgent('sales');
    chat.send('hello');
    const second = await open();
    expect(sockets).toHaveLength(2);
    expect(second.sentOf('connect')[0]).toMatchObject({ agent: 'sales' });
    expect([first.sentOf('message'), second.sentOf('message').length]).toEqual([[], 1]);
  });

  it('the wish is taken back, and a client without one says nothing of agents', async () => {
    const { chat, open } = givenChat({ agent: 'support' });
    await open();
    chat.chooseAgent(undefined);
    expect(Object.keys((await open()).sentOf('connect')[0] ?? {})).not.toContain('agent');
  });
});
