import type { Table } from 'aws-cdk-lib/aws-dynamodb';
import type { Bucket } from 'aws-cdk-lib/aws-s3';
import type { ConnectionMethod } from './function-table.ts';
import type { Queues } from './queues.ts';

/** The resources that functions use. */
export interface Surroundings {
  table: Table;
  queues: Queues;
  /** Undefined: sessions have no files. */
  files: Bucket | undefined;
  /** ARN patterns of this API's and stage's connections, by what is done to them. */
  connectionsArns: Readonly<Record<ConnectionMethod, string>>;
  /** Where functions post to connections. */
  managementEndpoint: string;
}
