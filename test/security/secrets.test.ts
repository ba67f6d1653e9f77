import { afterEach, describe, expect, it } from 'vitest';
import { startLocalCloud } from '../../local/cloud.ts';
import { HandshakeRefused } from '../../protocol/waiting-client.ts';
import { TEST_BUNDLES } from '../support/bundles.ts';
import { end, endsOf } from '../support/frames.ts';
import { startScriptedModel } from '../support/scripted-model.ts';
import { connect } from '../support/ws-client.ts';

const KEY = 'sk-the-key-of-the-model-provider';
const TOKENS = 'token-of-ann=acme/ann';

const running: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of running.splice(0).reverse()) await stop();
});

/** The product with its secrets in Secrets Manager; a test may change what is there. */
async function given(secrets: Record<string, string>, settings: Record<string, string> = {}) {
  const model = await startScriptedModel();
  running.push(() => model.close());
  const log: string[] = [];
  const cloud = await startLocalCloud({
    settings: {
      MIDTURN_MODEL: 'openai-compatible:scripted',
      MIDTURN_MODEL_BASE_URL: model.baseUrl,
      MIDTURN_MODEL_API_KEY_SECRET: 'team/model-key',
      MIDTURN_AUTH: 'tokens',
      MIDTURN_TOKENS_SECRET: 'team/tokens',
      ...settings,
    },
    secrets,
    bundles: TEST_BUNDLES,
    maxEnvironments: 2,
    log: ({ level, source, text }) => log.push(`${level} ${source}: ${text}`),
  });
  running.push(() => cloud.close());
  const open = (token = 'token-of-ann') => connect(`${cloud.url}?session_id=s&token=${token}`);
  return { model, open, log };
}

describe('secrets', () => {
  it('let principals in and call the model, and are in no log', async () => {
    const { model, open, log } = await given({ 'team/model-key': `${KEY}\n`, 'team/tokens': TOKENS });
    const scripted = model.script([{ chunks: ['hello'] }]);
    await expect(open('token-of-bob')).rejects.toMatchObject({ statusCode: 401 });
    const client = await open();
    client.send({ type: 'message', content: 'hi' });
    expect(await end(client)).toMatchObject({ type: 'done', full_response: 'hello' });
    expect(scripted.requests.map(({ headers }) => headers.authorization)).toEqual([`Bearer ${KEY}`]);
    await client.close();
    expect(log.join('\n')).not.toContain(KEY);
    expect(log.join('\n')).not.toContain('token-of-');
  });

  it('that are missing: a turn ends in an error that its client hears, and the next one finds the key', async () => {
    const secrets: Record<string, string> = { 'team/tokens': TOKENS };
    const { model, open, log } = await given(secrets);
    model.script([{ chunks: ['hello'] }]);
    const client = await open();
    client.send({ type: 'message', content: 'one' });
    expect(await end(client)).toMatchObject({
      type: 'error',
      code: 'AUTH_ERROR',
      message: 'The credentials for the model provider could not be read.',
      terminal: true,
      full_response: '',
    });
    expect(log.join('\n')).toContain('The secret team/model-key cannot be read: ResourceNotFoundException.');
    secrets['team/model-key'] = KEY;
    client.send({ type: 'message', content: 'two' });
    expect(await end(client, 2)).toMatchObject({ type: 'done', full_response: 'hello' });
    expect(endsOf(client)).toHaveLength(2);
    await client.close();
  });

  it('that are missing: nobody can be judged (500, not 401), until they are there', async () => {
    const secrets: Record<string, string> = { 'team/model-key': KEY };
    const { open, log } = await given(secrets);
    const refusal = await open().catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(HandshakeRefused);
    expect(refusal).toMatchObject({ statusCode: 500 });
    expect(log.join('\n')).toContain('The secret team/tokens cannot be read: ResourceNotFoundException.');
    secrets['team/tokens'] = 'no tokens at all, and hunter2';
    await expect(open()).rejects.toMatchObject({ statusCode: 500 });
    secrets['team/tokens'] = TOKENS;
    await (await open()).close();
    expect(log.join('\n')).not.toContain('hunter2');
  });

  it('that are rotated: what was taken out is refused, what was put in is used, without a deployment', async () => {
    const secrets: Record<string, string> = { 'team/model-key': KEY, 'team/tokens': TOKENS };
    const { model, open, log } = await given(secrets, {
      MIDTURN_SECRET_SECONDS: '1',
      MIDTURN_CONNECTIONS_PER_MINUTE: '0',
    });
    const scripted = model.script(() => ({ chunks: ['hello'] }));
    const client = await open();
    let turns = 0;
    const keyOfNextTurn = async () => {
      client.send({ type: 'message', content: 'hi' });
      await end(client, ++turns);
      return scripted.requests.at(-1)?.headers.authorization;
    };
    expect(await keyOfNextTurn()).toBe(`Bearer ${KEY}`);

    secrets['team/tokens'] = 'second-token-of-ann=acme/ann';
    secrets['team/model-key'] = 'sk-the-second-key';
    const refusal = () =>
      open().then(
        (accepted) => accepted.close().then(() => undefined),
        (error: unknown) => (error instanceof HandshakeRefused ? error.statusCode : error),
      );
    await expect.poll(refusal).toBe(401);
    await (await open('second-token-of-ann')).close();
    await expect.poll(keyOfNextTurn).toBe('Bearer sk-the-second-key');

    delete secrets['team/tokens'];
    delete secrets['team/model-key'];
    const logged = () => log.filter((line) => line.includes('cannot be read again'));
    await expect
      .poll(async () => {
        await (await open('second-token-of-ann')).close();
        expect(await keyOfNextTurn()).toBe('Bearer sk-the-second-key');
        return logged().map((line) => line.split(' ')[1]);
      })
      .toEqual(expect.arrayContaining(['authorizer:', 'turn:']));
    expect(log.join('\n')).not.toMatch(/token-of-|sk-the/);
    await client.close();
  });
});
