import { execFile } from 'node:child_process';
import type { LocalCloud } from '../../local/cloud.ts';

export interface CommandResult {
  code: number;
  out: string;
  err: string;
}

/** Runs an operator's command against the local cloud, as `npm run` does. */
export function runCommand(
  { dynamodb, sqs, managementEndpoint }: LocalCloud,
  file: string,
  words: readonly string[],
): Promise<CommandResult> {
  const env = {
    ...process.env,
    AWS_REGION: 'local',
    AWS_ACCESS_KEY_ID: dynamodb.credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: dynamodb.credentials.secretAccessKey,
    AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint,
    AWS_ENDPOINT_URL_SQS: sqs.endpoint,
    MIDTURN_TABLE_NAME: dynamodb.tableName,
    MIDTURN_DEADLINE_QUEUE_URL: sqs.deadlineQueueUrl,
    MIDTURN_MANAGEMENT_ENDPOINT: managementEndpoint,
  };
  return new Promise((resolve) => {
    execFile(process.execPath, [file, ...words], { env }, (error, out, err) =>
      resolve({ code: Number(error?.code ?? 0), out, err }),
    );
  });
}
