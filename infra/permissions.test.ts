import { describe, expect, it } from 'vitest';
import { FUNCTION_NAMES, type FunctionName } from '../config/function-names.ts';
import { newSealKeys } from '../test/support/seal-keys.ts';
import { type Statement, statementsOf, synthesize } from './testing.ts';

/** With every function. */
const whole = (props: Parameters<typeof synthesize>[0] = {}) =>
  synthesize({ outsideMessages: true, httpApi: true, ...props });

/** What a function's role allows, as `action on resource`. */
function allowed(name: FunctionName, props: Parameters<typeof whole>[0] = {}): string[] {
  return statementsOf(whole(props), name).flatMap(({ Action, Resource }) =>
    [Action].flat().flatMap((action) => [Resource].flat().map((on) => `${action} on ${JSON.stringify(on)}`)),
  );
}

const using = (name: FunctionName, service: string, props?: Parameters<typeof whole>[0]) =>
  allowed(name, props).filter((entry) => entry.startsWith(`${service}:`));

describe('each role', () => {
  it.each(FUNCTION_NAMES)('of %s names its actions, and its resources except X-Ray’s', (name) => {
    for (const { Action, Resource } of statementsOf(whole(), name)) {
      const actions = [Action].flat();
      for (const action of actions) expect(action).toMatch(/^[a-z0-9-]+:[A-Za-z]+$/);
      const tracing = actions.every((action) => action.startsWith('xray:'));
      expect([Resource].flat().includes('*')).toBe(tracing);
    }
  });

  it('has its own policy only: no managed one, and no second one', () => {
    const template = whole();
    template.resourceCountIs('AWS::IAM::Policy', 0);
    const managed = Object.values(template.findResources('AWS::IAM::Role')).filter(
      ({ Properties }) => Properties.ManagedPolicyArns,
    );
    expect(managed.map(({ Properties }) => Properties.Description)).toEqual([
      'API Gateway writes the logs of this account and region.',
    ]);
  });

  it('posts to this API and stage only', () => {
    for (const entry of using('turn', 'execute-api', { stageName: 'live' })) {
      expect(entry).toMatch(/MidturnApi\w+.*\/live\/(POST|DELETE)\/@connections\/\*/);
    }
    // Whoever posts to a connection closes one that does not answer.
    for (const name of ['turn', 'inbound', 'deadline', 'send', 'http'] as const)
      expect(using(name, 'execute-api')).toHaveLength(2);
    expect(using('connection', 'execute-api')).toEqual([]);
    expect(using('authorizer', 'execute-api')).toEqual([]);
  });

  it('of connections may send for later where silent ones are told of their session, and only there', () => {
    const sends = (props: Parameters<typeof whole>[0]) =>
      using('connection', 'sqs', props).map((entry) => /Midturn(\w+?Queue)/.exec(entry)?.[1]);
    expect(sends({})).toEqual(['TurnQueue']);
    expect(sends({ greetSilent: false })).toEqual(['TurnQueue']);
    expect(sends({ greetSilent: true })).toEqual(['DeadlineQueue', 'TurnQueue']);
  });

  it('writes to its own log group', () => {
    for (const entry of using('turn', 'logs')) expect(entry).toContain('MidturnTurnLogs');
    expect(using('turn', 'logs')).toHaveLength(2);
  });

  it('allows X-Ray to functions that send spans, and not to those that strangers invoke', () => {
    const sending = FUNCTION_NAMES.filter((name) => using(name, 'xray').length > 0);
    expect(sending.sort()).toEqual(['deadline', 'http', 'inbound', 'send', 'turn']);
  });

  it('does not allow X-Ray if tracing is off', () => {
    expect(using('turn', 'xray')).toHaveLength(2);
    expect(using('turn', 'xray', { tracing: false })).toEqual([]);
  });
});

describe('the model', () => {
  it('is invoked exactly as chosen', () => {
    const [entry, ...more] = using('turn', 'bedrock', { model: 'bedrock:some.model-v1:0' });
    expect(more).toEqual([]);
    expect(entry).toMatch(/^bedrock:InvokeModelWithResponseStream on .*::foundation-model\/some\.model-v1:0/);
    expect(using('inbound', 'bedrock', { model: 'bedrock:some.model-v1:0' })).toEqual([]);
  });

  it('behind an inference profile is allowed in every region of the profile', () => {
    const entries = using('turn', 'bedrock', { model: 'bedrock:eu.anthropic.m' });
    expect(entries).toHaveLength(2);
    expect(entries[0]).toContain(':inference-profile/eu.anthropic.m');
    expect(entries[1]).toContain(':bedrock:*::foundation-model/anthropic.m');
  });

  it('of each area with inference profiles is behind one, and of another beginning is itself', () => {
    const areas = ['us', 'eu', 'apac', 'us-gov', 'jp', 'au', 'ca', 'global'];
    const agentBedrockModels = [...areas, 'meta'].map((area) => `${area}.of-${area}`).join(', ');
    const entries = using('turn', 'bedrock', { model: 'agent', agentBedrockModels });
    const ids = (kind: string) =>
      entries.flatMap((entry) => new RegExp(`:${kind}/([\\w.-]+)`).exec(entry)?.[1] ?? []).toSorted();
    expect(ids('inference-profile')).toEqual(areas.map((area) => `${area}.of-${area}`).toSorted());
    expect(ids('foundation-model')).toEqual(
      [...areas.map((area) => `of-${area}`), 'meta.of-meta'].toSorted(),
    );
  });

  it('behind the ARN of a profile is allowed in every region, whatever the profile’s area', () => {
    const profile = 'arn:aws:bedrock:eu-west-1:111122223333:inference-profile/xx.anthropic.m';
    expect(using('turn', 'bedrock', { model: `bedrock:${profile}` })).toEqual([
      `bedrock:InvokeModelWithResponseStream on "${profile}"`,
      expect.stringContaining(':bedrock:*::foundation-model/anthropic.m'),
    ]);
  });

  it('behind an application profile is whichever the profile calls, and no model without the profile', () => {
    const profile = 'arn:aws:bedrock:eu-west-1:111122223333:application-inference-profile/a1b2';
    const props = { model: `bedrock:${profile}` };
    expect(using('turn', 'bedrock', props)).toEqual([
      `bedrock:InvokeModelWithResponseStream on "${profile}"`,
      expect.stringContaining(':bedrock:*::foundation-model/*'),
    ]);
    const wide = statementsOf(whole(props), 'turn').filter(({ Resource }) =>
      JSON.stringify(Resource).includes('foundation-model'),
    );
    expect(wide.map(({ Condition }) => Condition)).toEqual([
      { StringEquals: { 'bedrock:InferenceProfileArn': profile } },
    ]);
  });

  it('that takes over is allowed too, or the key that it has of its own', () => {
    const both = { model: 'bedrock:one', fallbackModel: 'bedrock:other' };
    expect(using('turn', 'bedrock', both)).toEqual([
      expect.stringContaining('foundation-model/one'),
      expect.stringContaining('foundation-model/other'),
    ]);
    const keys = { model: 'anthropic:big', modelApiKeySecret: 'key', fallbackModel: 'anthropic:small' };
    expect(using('turn', 'secretsmanager', keys)).toEqual([expect.stringContaining('secret:key-')]);
    expect(using('turn', 'secretsmanager', { ...keys, fallbackModelApiKeySecret: 'own' })).toEqual([
      expect.stringContaining('secret:key-'),
      expect.stringContaining('secret:own-'),
    ]);
  });

  it('of the agent’s code may read the secrets and call the models of Bedrock that settings name', () => {
    const own = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:own-a1b2c3';
    const props = {
      model: 'agent',
      agentSecrets: `midturn/openai, groq=${own}`,
      agentBedrockModels: 'one,eu.two',
    };
    expect(using('turn', 'secretsmanager', props)).toEqual([
      expect.stringContaining(own),
      expect.stringContaining('secret:midturn/openai-??????'),
    ]);
    expect(using('turn', 'bedrock', props)).toEqual([
      expect.stringContaining('inference-profile/eu.two'),
      expect.stringContaining('foundation-model/one'),
      expect.stringContaining('foundation-model/two'),
    ]);
    for (const name of FUNCTION_NAMES.filter((other) => other !== 'turn')) {
      expect(using(name, 'secretsmanager', props)).toEqual([]);
    }
  });
});

describe('a secret', () => {
  const secrets = { modelApiKeySecret: 'provider-key', tokensSecret: 'tokens', mcpTokensSecret: 'mcp' };

  it('is read by the function that needs it, and by no other', () => {
    const props = { ...secrets, model: 'anthropic:m', auth: 'tokens' } as const;
    const readers = FUNCTION_NAMES.flatMap((name) =>
      using(name, 'secretsmanager', props).map((entry) => [name, entry] as const),
    );
    expect(readers.map(([name]) => name)).toEqual(['authorizer', 'turn', 'turn']);
    expect(readers[0]?.[1]).toMatch(/^secretsmanager:GetSecretValue on .*:secret:tokens-\?{6}/);
    expect(readers[2]?.[1]).toMatch(/^secretsmanager:GetSecretValue on .*:secret:provider-key-\?{6}/);
    expect(readers[1]?.[1]).toMatch(/^secretsmanager:GetSecretValue on .*:secret:mcp-\?{6}/);
  });

  it('that opens the tokens of users is read by the turn function alone, and the others seal at most', () => {
    const { publicKey } = newSealKeys();
    const props = {
      model: 'bedrock:m',
      auth: 'jwt',
      jwtIssuer: 'https://i.example',
      jwtAudience: 'a',
      forwardTokenKey: publicKey,
      forwardTokenPrivateKeySecret: 'seal',
    } as const;
    expect(
      FUNCTION_NAMES.flatMap((name) => using(name, 'secretsmanager', props).map((entry) => [name, entry])),
    ).toEqual([['turn', expect.stringMatching(/^secretsmanager:GetSecretValue on .*:secret:seal-\?{6}/)]]);
    const template = JSON.stringify(whole(props).findResources('AWS::Lambda::Function'));
    expect(template.split(publicKey)).toHaveLength(2);
  });

  it('is read by no function if the choice needs none', () => {
    const { mcpTokensSecret: _, ...others } = secrets;
    const props = { ...others, model: 'bedrock:m', auth: 'none' } as const;
    expect(FUNCTION_NAMES.flatMap((name) => using(name, 'secretsmanager', props))).toEqual([]);
  });

  it('that is named by its ARN is exactly that one', () => {
    const arn = 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:tokens-AbCdEf';
    expect(using('authorizer', 'secretsmanager', { auth: 'tokens', tokensSecret: arn })).toEqual([
      `secretsmanager:GetSecretValue on "${arn}"`,
    ]);
  });
});

it('a function that uses a table with a customer’s key may use the key, through DynamoDB only', () => {
  const tableKeyArn = 'arn:aws:kms:eu-west-1:111122223333:key/k';
  const template = whole({ tableKeyArn });
  const withKey = FUNCTION_NAMES.filter((name) =>
    statementsOf(template, name).some(({ Action }) => [Action].flat().includes('kms:Decrypt')),
  );
  expect(withKey).toEqual(['connection', 'inbound', 'turn', 'deadline', 'send', 'http']);
  const statement = statementsOf(template, 'turn').find(
    ({ Resource }: Statement) => Resource === tableKeyArn,
  );
  expect(JSON.stringify(statement?.Condition)).toContain('dynamodb.');
});

describe('an event bus', () => {
  const using = (props: Parameters<typeof whole>[0]) =>
    FUNCTION_NAMES.flatMap((name) =>
      allowed(name, props)
        .filter((entry) => entry.startsWith('events:'))
        .map((entry) => [name, entry] as const),
    );

  it('is told by the functions that end turns and delete sessions, that bus alone', () => {
    for (const [eventBus, end] of [
      ['team', ':event-bus/team"]]}'],
      [true, ':event-bus/default"]]}'],
    ] as const) {
      const entries = using({ eventBus });
      expect(entries.map(([name]) => name)).toEqual(['inbound', 'turn', 'deadline', 'http']);
      for (const [, entry] of entries) {
        expect(entry).toMatch(/^events:PutEvents on /);
        expect(entry.endsWith(end)).toBe(true);
      }
    }
  });

  it('by its ARN can be another account’s', () => {
    const arn = 'arn:aws:events:eu-central-1:111122223333:event-bus/team';
    expect(new Set(using({ eventBus: arn }).map(([, entry]) => entry))).toEqual(
      new Set([`events:PutEvents on "${arn}"`]),
    );
  });

  it('is told by nobody unless it is named', () => {
    expect(using({})).toEqual([]);
    expect(using({ eventBus: false })).toEqual([]);
  });
});
