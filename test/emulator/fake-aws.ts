import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { isMap } from '../../local/template/resolve.ts';
import { ACCOUNT } from '../../local/world.ts';
import { type Buckets, createBuckets } from './buckets.ts';
import type { Reply } from './reply.ts';
import { createStacks, query, refused, type Stacks } from './stacks.ts';

export interface FakeAws {
  /** `http://127.0.0.1:…` */
  endpoint: string;
  buckets: Buckets;
  stacks: Stacks;
  /** Actions of the query and JSON protocols, in order of arrival. */
  actions: readonly string[];
  close(): Promise<void>;
}

/**
 * STS, SSM, S3 and CloudFormation on one loopback port, as an emulator has them: just enough for `cdk bootstrap` and
 * `cdk deploy` to run to their end. It keeps what arrives and runs nothing of it.
 */
export async function startFakeAws(): Promise<FakeAws> {
  const actions: string[] = [];
  const parameters = new Map<string, string>();
  const buckets = createBuckets();
  const stacks = createStacks({
    download: (url) => buckets.objects.get(new URL(url).pathname.slice(1))?.toString('utf8') ?? '',
    onStack({ template }, resolver) {
      for (const { Type, Properties = {}, Condition } of Object.values(template.Resources)) {
        if (Condition !== undefined && !resolver.condition(Condition)) continue;
        if (Type !== 'AWS::S3::Bucket' && Type !== 'AWS::SSM::Parameter') continue;
        const properties = resolver.resolve(Properties);
        if (!isMap(properties)) continue;
        if (Type === 'AWS::S3::Bucket') buckets.create(String(properties.BucketName));
        else parameters.set(String(properties.Name), String(properties.Value));
      }
    },
  });

  function answer(request: IncomingMessage, body: Buffer): Reply {
    const target = request.headers['x-amz-target'];
    if (typeof target === 'string') {
      actions.push(target);
      return answerJson(target, JSON.parse(body.toString('utf8')));
    }
    if (request.headers['content-type']?.startsWith('application/x-www-form-urlencoded')) {
      const form = new URLSearchParams(body.toString('utf8'));
      const action = form.get('Action') ?? '';
      actions.push(action);
      return form.get('Version') === '2011-06-15' ? answerSts(action) : stacks.answer(action, form);
    }
    return buckets.answer(request, body);
  }

  function answerJson(target: string, input: { Name?: string }): Reply {
    const value = parameters.get(input.Name ?? '');
    if (target !== 'AmazonSSM.GetParameter' || value === undefined) {
      return { status: 400, body: JSON.stringify({ __type: 'ParameterNotFound', message: input.Name }) };
    }
    return { body: JSON.stringify({ Parameter: { Name: input.Name, Value: value, Type: 'String' } }) };
  }

  const server = createServer(async (request, response) => {
    const { status = 200, headers = {}, body = '' } = orFailure(answer)(request, await buffer(request));
    response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers });
    response.end(request.method === 'HEAD' ? undefined : body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    buckets,
    stacks,
    actions,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** What the fake cannot do shows in the CLI's complaint. */
function orFailure(answer: (request: IncomingMessage, body: Buffer) => Reply): typeof answer {
  return (request, body) => {
    try {
      return answer(request, body);
    } catch (error) {
      return refused(`the fake failed: ${error}`);
    }
  };
}

function answerSts(action: string): Reply {
  const roleArn = `arn:aws:sts::${ACCOUNT}:assumed-role/anyone/fake`;
  switch (action) {
    case 'GetCallerIdentity':
      return query(action, { Arn: roleArn, UserId: 'fake', Account: ACCOUNT });
    case 'AssumeRole':
      return query(action, {
        Credentials: {
          AccessKeyId: 'test',
          SecretAccessKey: 'test',
          SessionToken: 'test',
          Expiration: '2099-01-01T00:00:00Z',
        },
        AssumedRoleUser: { Arn: roleArn, AssumedRoleId: 'fake' },
      });
    default:
      return refused(`the fake STS does not know ${action}`);
  }
}
