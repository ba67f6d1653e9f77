import { Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { BucketDeployment, CacheControl, type ISource, Source } from 'aws-cdk-lib/aws-s3-deployment';
import { Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { createLogGroup } from './log-group.ts';
import { acknowledge, acknowledgeWildcards } from './nag.ts';
import type { MidturnProps } from './props.ts';

export interface Upload {
  /** Where the built page is. */
  folder: string;
  bucket: IBucket;
  /** The WebSocket's, which the page reads from `config.json`. */
  url: string;
  props: MidturnProps;
}

/**
 * Brings the built page into the bucket, with the CDK's own function for it. By itself that function would get to read
 * every asset of the account and all that S3 knows about the bucket; with a role of ours it reads the two archives of
 * this page, and lists, writes and deletes in this bucket.
 */
export function uploadPage(scope: Construct, { folder, bucket, url, props }: Upload): void {
  const logGroup = createLogGroup(scope, 'PageUploadLogs', props);
  const role = new Role(scope, 'PageUploadRole', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  const archives: string[] = [];
  const deployment = new BucketDeployment(scope, 'PageUpload', {
    sources: [
      // That one names the server that a developer's page came from.
      Source.asset(folder, { exclude: ['config.json', '*.map'] }),
      Source.jsonData('config.json', { url }),
    ].map((source) => noting(source, archives)),
    destinationBucket: bucket,
    // Asked for anew at each visit, and answered by "not modified": so no deployment has to empty caches.
    cacheControl: [CacheControl.noCache()],
    // It cannot read the bucket's tags, by which it would know a bucket to leave full; so this one can go.
    retainOnDelete: false,
    outputObjectKeys: false,
    role: role.withoutPolicyUpdates(),
    logGroup,
  });
  const files = new PolicyStatement({
    actions: ['s3:PutObject', 's3:DeleteObject'],
    resources: [bucket.arnForObjects('*')],
  });
  const policy = new Policy(scope, 'PageUploadPolicy', {
    roles: [role],
    statements: [
      new PolicyStatement({
        actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
        resources: [logGroup.logGroupArn],
      }),
      new PolicyStatement({ actions: ['s3:GetObject'], resources: archives }),
      new PolicyStatement({ actions: ['s3:ListBucket'], resources: [bucket.bucketArn] }),
      files,
    ],
  });
  // It also outlives the upload, which empties the bucket when the stack goes.
  deployment.node.addDependency(policy, logGroup);
  acknowledgeWildcards(policy, files, 'The page’s files, whose names change with every build.');
  explainFunction(deployment);
}

/** The same source, with the archive that it makes entered in `archives`. */
function noting(source: ISource, archives: string[]): ISource {
  return {
    bind: (scope, context) => {
      const config = source.bind(scope, context);
      archives.push(config.bucket.arnForObjects(config.zipObjectKey));
      return config;
    },
  };
}

function explainFunction(deployment: BucketDeployment): void {
  const handler = Stack.of(deployment).node.children.find(({ node }) =>
    node.id.startsWith('Custom::CDKBucketDeployment'),
  );
  if (!handler) throw new Error('The bucket deployment has no function of the expected name.');
  const ofTheCdk = 'The CDK’s own function, which runs at deployments alone.';
  acknowledge(handler, {
    'AwsSolutions-L1': ofTheCdk,
    'Serverless-LambdaTracing': ofTheCdk,
    'Serverless-LambdaDLQ': 'CloudFormation waits for its answer: nothing is left to be put aside.',
    'Serverless-LambdaLatestVersion': ofTheCdk,
  });
}
