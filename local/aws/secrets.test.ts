import { describe, expect, it } from 'vitest';
import { secretArn } from './secret-arn.ts';
import { createSecrets } from './secrets.ts';

const VALUES = { 'app/key': 'kéy', other: 'o' };
const get = (SecretId: unknown, name = 'GetSecretValue') => createSecrets(VALUES).answer(name, { SecretId });

describe('Secrets Manager', () => {
  const arn = secretArn('app/key');
  it.each(['app/key', arn, arn.slice(0, -7)])('gives the secret that is named by %s', (id) => {
    expect(get(id)).toMatchObject({
      status: 200,
      body: { ARN: arn, Name: 'app/key', SecretString: 'kéy', VersionStages: ['AWSCURRENT'] },
    });
  });

  it.each([
    ['app', 'ResourceNotFoundException'],
    // What every object has is no secret.
    ['constructor', 'ResourceNotFoundException'],
    [`${arn}x`, 'ResourceNotFoundException'],
    ['', 'InvalidParameterException'],
    [undefined, 'InvalidParameterException'],
  ])('has none that is named by %j: %s', (id, __type) => {
    expect(get(id)).toMatchObject({ status: 400, body: { __type } });
  });

  it.each(['PutSecretValue', 'ListSecrets'])('has no %s', (name) => {
    expect(get('other', name)).toMatchObject({ status: 400, body: { __type: 'InvalidRequestException' } });
  });
});

describe('an account beside it', () => {
  const FAR = 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:far-AbCdEf';

  it.each([
    ['other', undefined],
    [secretArn('other'), undefined],
    ['far', 'far'],
    [secretArn('far').slice(0, -7), 'far'],
    [FAR, FAR],
  ])('is asked for %s by the id that it has there: %s', async (SecretId, asked) => {
    const requests: unknown[] = [];
    const secrets = createSecrets(VALUES, async (request) => {
      requests.push(request);
      return { status: 200, body: {} };
    });
    await secrets.answer('GetSecretValue', { SecretId, VersionStage: 'v' });
    expect(requests).toEqual(asked === undefined ? [] : [{ SecretId: asked, VersionStage: 'v' }]);
    const resource = asked === FAR ? FAR : secretArn(SecretId.includes('far') ? 'far' : 'other');
    expect(secrets.operation('GetSecretValue', { SecretId }).needs).toMatchObject([{ resource }]);
  });
});
