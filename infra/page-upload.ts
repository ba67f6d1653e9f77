import { Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import { BucketDeployment, CacheControl, type ISource, Source } from 'aws-cdk-lib/aws-s3-deployment';
import { Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { createLogGroup } from './log-group.ts';
import { acknowledge, acknowledgeWildcards } from './nag.ts';
import type { PlainProps } from './plain-props.ts';

export interface Upload {
  /** Folder with the built page. */
  folder: string;
  bucket: IBucket;
  /** URL of the WebSocket. The page reads it from `config.json`. */
  url: string;
  props: PlainProps;
}

/**
 * Copies the built page into the bucket, with the CDK's own function. By default, that function may read every asset of the
 * account and everything about the bucket. With a role of ours, it may read the two archives of this page, and list, write
 * and delete in this bucket.
 */
export function uploadPage(scope: Construct, { folder, bucket, url, props }: Upload): void {
  const logGroup = createLogGroup(scope, 'PageUploadLogs', props);
  const role = new Role(scope, 'PageUploadRole', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  const archives: string[] = [];
  const deployment = new BucketDeployment(scope, 'PageUpload', {
    sources: [
      // Not the file that a developer's page has: it names the local server.
      Source.asset(folder, { exclude: ['config.json', '*.map'] }),
      Source.jsonData('config.json', { url }),
    ].map((source) => noting(source, archives)),
    destinationBucket: bucket,
    // Browsers ask at each visit and get "not modified". So no deployment needs to empty caches.
    cacheControl: [CacheControl.noCache()],
    // The function may not read the bucket's tags, which it would need to keep the files of a deleted stack.
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
  // The policy must also be deleted after the upload, which empties the bucket when the stack is deleted.
  deployment.node.addDependency(policy, logGroup);
  acknowledgeWildcards(policy, files, 'The page’s files, whose names change with every build.');
  explainFunction(deployment);
}

/** The same source. It also adds the ARN of its archive to `archives`. */
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
  const ofTheCdk = 'The CDK’s own function, which runs only at deployments.';
  acknowledge(handler, {
    'AwsSolutions-L1': ofTheCdk,
    'Serverless-LambdaTracing': ofTheCdk,
    'Serverless-LambdaDLQ': 'CloudFormation waits for its answer: no event is left over.',
    'Serverless-LambdaLatestVersion': ofTheCdk,
  });
}
