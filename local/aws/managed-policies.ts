import type { Value } from '../template/template.ts';

const LOGS = ['logs:CreateLogGroup', 'logs:CreateLogStream', 'logs:PutLogEvents'];

/**
 * What AWS's own policies allow that functions commonly have. A template names them only. Source: AWS Managed Policy Reference Guide.
 * Network interfaces are left out: nobody asks for them here.
 */
const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  AWSLambdaBasicExecutionRole: LOGS,
  AWSLambdaVPCAccessExecutionRole: LOGS,
  AWSLambdaSQSQueueExecutionRole: [
    ...LOGS,
    'sqs:ReceiveMessage',
    'sqs:DeleteMessage',
    'sqs:GetQueueAttributes',
  ],
};

/** The document of AWS's policy with this ARN, if it is known here. */
export function managedPolicy(arn: string): Value | undefined {
  const [, name = ''] = /^arn:[^:]+:iam::aws:policy\/service-role\/(\w+)$/.exec(arn) ?? [];
  const actions = Object.hasOwn(ACTIONS, name) ? ACTIONS[name] : undefined;
  return actions && { Statement: [{ Effect: 'Allow', Action: [...actions], Resource: '*' }] };
}
