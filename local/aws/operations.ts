import { API_ID } from '../template/stack.ts';
import { arn, PARTITION, REGION } from '../world.ts';
import type { Need } from './access.ts';

/** An operation and the permissions that it needs. */
export interface Operation {
  name: string;
  needs: readonly Need[];
}

type Fields = Readonly<Record<string, unknown>>;

/** `X-Amz-Target: DynamoDB_20120810.GetItem` */
export const targetOf = (header: string): string => header.slice(header.lastIndexOf('.') + 1);

/** Source: "Actions, resources, and condition keys for Amazon DynamoDB", service authorization reference. */
export function dynamodbOperation(name: string, body: Fields): Operation {
  const need = (action: string, table: unknown, index?: unknown): Need => ({
    action: `dynamodb:${action}`,
    resource: tableArn(table, index),
  });
  switch (name) {
    case 'BatchGetItem':
    case 'BatchWriteItem':
      return { name, needs: Object.keys(fields(body.RequestItems)).map((table) => need(name, table)) };
    case 'TransactGetItems':
    case 'TransactWriteItems':
      return {
        name,
        needs: list(body.TransactItems)
          .flatMap((item) => Object.entries(fields(item)))
          .map(([kind, of]) => need(TRANSACTED[kind] ?? kind, fields(of).TableName)),
      };
    default:
      return { name, needs: [need(name, body.TableName, body.IndexName)] };
  }
}

/** The actions that a transaction's parts need. */
const TRANSACTED: Readonly<Record<string, string>> = {
  Get: 'GetItem',
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  ConditionCheck: 'ConditionCheckItem',
};

function tableArn(table: unknown, index: unknown): string {
  if (typeof table !== 'string') return '*';
  const ofTable = table.startsWith('arn:') ? table : arn('dynamodb', `table/${table}`);
  return typeof index === 'string' ? `${ofTable}/index/${index}` : ofTable;
}

/**
 * A batch needs the permission of its single form. Source: "Actions, resources, and condition keys for Amazon SQS",
 * service authorization reference.
 */
export function sqsOperation(name: string, body: Fields): Operation {
  const queue = typeof body.QueueUrl === 'string' ? body.QueueUrl.split('/').at(-1) : body.QueueName;
  return {
    name,
    needs: [
      {
        action: `sqs:${name.replace(/Batch$/, '')}`,
        resource: typeof queue === 'string' ? arn('sqs', queue) : '*',
      },
    ],
  };
}

const MANAGEMENT: Readonly<Record<string, string>> = {
  POST: 'PostToConnection',
  GET: 'GetConnection',
  DELETE: 'DeleteConnection',
};

/** `/{stage}/@connections/{id}`. Source: "Use IAM authorization to control access to @connections", API Gateway. */
export function managementOperation(method: string, path: string): Operation {
  const [, stage = '', ...rest] = path.split('/').map(decode);
  return {
    name: MANAGEMENT[method] ?? method,
    needs: [
      {
        action: 'execute-api:ManageConnections',
        resource: arn('execute-api', [API_ID, stage, method, ...rest].join('/')),
      },
    ],
  };
}

const BEDROCK: Readonly<Record<string, { name: string; action: string }>> = {
  invoke: { name: 'InvokeModel', action: 'bedrock:InvokeModel' },
  converse: { name: 'Converse', action: 'bedrock:InvokeModel' },
  'invoke-with-response-stream': {
    name: 'InvokeModelWithResponseStream',
    action: 'bedrock:InvokeModelWithResponseStream',
  },
  'converse-stream': { name: 'ConverseStream', action: 'bedrock:InvokeModelWithResponseStream' },
};

/** The prefixes of a cross-region inference profile's id. */
const PROFILE = /^(?:us|eu|apac|us-gov|jp|au|ca|global)\.(.+)$/;
const PROFILE_ARN = /^arn:.*:((?:application-)?inference-profile)\/(.+)$/;

/** Some region of a profile, beside that of the call. */
const OTHER_REGION = 'us-west-2';

/**
 * `/model/{id}/{operation}`. A call through an inference profile needs permission for the profile, and through it for the
 * model in each of its regions, since any of them may answer. A global profile also asks for the model without a region.
 * An application profile's ARN does not say which model is behind it. Source: "Prerequisites for inference profiles" and
 * "Global cross-Region inference", Bedrock user guide.
 */
export function bedrockOperation(path: string): Operation {
  const [, , id = '', kind = ''] = path.split('/').map(decode);
  const { name, action } = BEDROCK[kind] ?? { name: kind, action: `bedrock:${kind}` };
  const model = (region: string, modelId: string) =>
    `arn:${PARTITION}:bedrock:${region}::foundation-model/${modelId}`;
  const profile = PROFILE.test(id) ? arn('bedrock', `inference-profile/${id}`) : id;
  const [, kindOfProfile, profileId = ''] = PROFILE_ARN.exec(profile) ?? [];
  if (!kindOfProfile) {
    return { name, needs: [{ action, resource: id.startsWith('arn:') ? id : model(REGION, id) }] };
  }
  const behind =
    kindOfProfile === 'inference-profile' ? profileId.replace(/^[^.]+\./, '') : 'some.model-v1:0';
  const regions = [REGION, OTHER_REGION, ...(profileId.startsWith('global.') ? [''] : [])];
  const conditions = { 'bedrock:inferenceprofilearn': profile };
  const models = regions.map((region) => ({ action, resource: model(region, behind), conditions }));
  return { name, needs: [{ action, resource: profile }, ...models] };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

export function fields(value: unknown): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
