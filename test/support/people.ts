import { end } from './frames.ts';
import { givenStack } from './stack.ts';
import type { WsClient } from './ws-client.ts';

/** A stack that knows these people of one tenant by their tokens, for tests in which each is about somebody else. */
export function givenPeople<Person extends string>(people: readonly Person[]) {
  const stack = givenStack({
    settings: {
      MIDTURN_AUTH: 'tokens',
      MIDTURN_TOKENS: people.map((subject) => `token-of-${subject}=acme/${subject}`).join(','),
    },
  });
  const as = (subject: Person) => ({
    principal: { tenant: 'acme', subject },
    query: { token: `token-of-${subject}` },
  });

  /** One turn in a session of its own. */
  async function given(person: Person, session: string, content = 'hello'): Promise<WsClient> {
    stack.script(() => ({ chunks: ['Hi.'] }));
    const client = await stack.connect(session, as(person));
    client.send({ type: 'message', id: `of-${session}`, content });
    await end(client);
    await stack.stored.transcript(session, as(person).principal);
    return client;
  }

  return { stack, as, given };
}
