import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { toXml, type XmlValue } from '../emulator/xml.ts';

/** What the services say that the doctor asks about a stack. A test changes one of them. */
export interface OperatorWorld {
  url: string;
  outputs: Record<string, string>;
  /** Names of secrets; `deleted` ones have a date. */
  secrets: Record<string, 'there' | 'deleted'>;
  sourceState: string;
  environments: { all: number; unreserved: number };
  turnConcurrency: number;
  /** `SubscriptionArn` of each. */
  subscriptions: string[];
  /** Answers of Lambda are refused. */
  denied: boolean;
}

export const HEALTHY: Omit<OperatorWorld, 'url'> = {
  outputs: { AlarmTopicArn: 'arn:aws:sns:us-east-1:000000000000:ops' },
  secrets: { 'midturn/tokens': 'there', 'midturn/groq': 'there' },
  sourceState: 'Enabled',
  environments: { all: 1000, unreserved: 1000 },
  turnConcurrency: 200,
  subscriptions: ['arn:aws:sns:us-east-1:000000000000:ops:1'],
  denied: false,
};

const FUNCTIONS = ['MidturnTurnFunction1', 'MidturnAuthorizerFunction2'];

/**
 * CloudFormation, SNS, Lambda and Secrets Manager as an operator sees them, on one loopback port, in the forms of their API
 * references: the query protocol for the first two, REST and JSON for the others.
 */
export async function startOperatorAws(world: OperatorWorld): Promise<{ endpoint: string; close(): void }> {
  const server = createServer(async (request, response) => {
    const { status, body } = answer(request, await text(request), world);
    response.writeHead(status).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

interface Answer {
  status: number;
  body: string;
}

const json = (value: object, status = 200): Answer => ({ status, body: JSON.stringify(value) });

function answer({ url = '', headers }: IncomingMessage, body: string, world: OperatorWorld): Answer {
  const target = String(headers['x-amz-target'] ?? '');
  if (target.startsWith('secretsmanager.')) return describeSecret(JSON.parse(body).SecretId, world);
  if (url === '/') return query(new URLSearchParams(body), world);
  if (world.denied) return json({ Type: 'User', Message: 'not authorized to perform this' }, 403);
  if (url.startsWith('/2016-08-19/account-settings')) {
    const { all, unreserved } = world.environments;
    return json({ AccountLimit: { ConcurrentExecutions: all, UnreservedConcurrentExecutions: unreserved } });
  }
  if (url.startsWith('/2015-03-31/event-source-mappings')) {
    const ScalingConfig = { MaximumConcurrency: world.turnConcurrency };
    return json({ EventSourceMappings: [{ UUID: 'u', State: world.sourceState, ScalingConfig }] });
  }
  const name = /functions\/(\w+)\/configuration/.exec(url)?.[1] ?? '';
  return json({ FunctionName: name, Environment: { Variables: variablesOf(name) } });
}

function variablesOf(name: string): Record<string, string> {
  if (/Authorizer/.test(name)) return { MIDTURN_TOKENS_SECRET: 'midturn/tokens' };
  return /Turn/.test(name) ? { MIDTURN_AGENT_SECRETS: 'groq=midturn/groq' } : {};
}

function describeSecret(name: string, { secrets }: OperatorWorld): Answer {
  const secret = secrets[name];
  if (!secret) return json({ __type: 'ResourceNotFoundException', Message: 'no such secret' }, 400);
  return json({ Name: name, ...(secret === 'deleted' && { DeletedDate: 1_750_000_000 }) });
}

function query(form: URLSearchParams, world: OperatorWorld): Answer {
  const action = form.get('Action') ?? '';
  const page = Number(form.get('NextToken') ?? 0);
  const results: Record<string, XmlValue> = {
    DescribeStacks: {
      Stacks: [
        {
          StackName: 'Midturn',
          StackStatus: 'CREATE_COMPLETE',
          CreationTime: '2026-01-01T00:00:00Z',
          Outputs: Object.entries({ Url: world.url, ...world.outputs }).map(([OutputKey, OutputValue]) => ({
            OutputKey,
            OutputValue,
          })),
        },
      ],
    },
    // A page for each function: a real one ends at 1 MB ("ListStackResources", AWS CloudFormation API reference).
    ListStackResources: {
      StackResourceSummaries: FUNCTIONS.slice(page, page + 1).map((id) => ({
        LogicalResourceId: id,
        PhysicalResourceId: id,
        ResourceType: 'AWS::Lambda::Function',
        ResourceStatus: 'CREATE_COMPLETE',
        LastUpdatedTimestamp: '2026-01-01T00:00:00Z',
      })),
      ...(page + 1 < FUNCTIONS.length && { NextToken: `${page + 1}` }),
    },
    ListSubscriptionsByTopic: {
      Subscriptions: world.subscriptions.map((SubscriptionArn) => ({ SubscriptionArn, Protocol: 'email' })),
    },
  };
  if (action === 'DescribeStacks' && form.get('StackName') !== 'Midturn') {
    const problem = { Type: 'Sender', Code: 'ValidationError', Message: 'Stack with id X does not exist' };
    return { status: 400, body: `<ErrorResponse>${toXml({ Error: problem })}</ErrorResponse>` };
  }
  const result = toXml({ [`${action}Result`]: results[action] });
  return { status: 200, body: `<${action}Response>${result}</${action}Response>` };
}
