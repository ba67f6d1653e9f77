import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption, HttpMethods } from 'aws-cdk-lib/aws-s3';
import { Aws, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { fileDays, readLimits, readRetention } from '../config/settings/limits.ts';
import { acknowledge } from './nag.ts';
import type { PlainProps } from './plain-props.ts';
import { toEnvironment } from './settings.ts';

/**
 * The bucket of what users and tools give to sessions: private, by TLS alone. Clients use addresses that functions sign. Undefined: the
 * settings want none.
 *
 * Its files expire with the transcript that names them, and those that no message has named with them.
 */
export function createFiles(scope: Construct, props: PlainProps): Bucket | undefined {
  const settings = toEnvironment(props);
  if (readLimits(settings).fileBytes === 0) return undefined;
  const { removalPolicy = RemovalPolicy.RETAIN, tableKeyArn } = props;
  const bucket = new Bucket(scope, 'Files', {
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    removalPolicy,
    ...(tableKeyArn
      ? {
          encryption: BucketEncryption.KMS,
          encryptionKey: Key.fromKeyArn(scope, 'FilesKey', tableKeyArn),
          // One request to KMS for many files.
          bucketKeyEnabled: true,
        }
      : { encryption: BucketEncryption.S3_MANAGED }),
    lifecycleRules: [
      {
        expiration: Duration.days(fileDays(readRetention(settings))),
        abortIncompleteMultipartUploadAfter: Duration.days(1),
      },
    ],
    cors: [
      {
        // An address is signed for one file and one method, for ten minutes, and needs no cookie: who has it may use it from anywhere.
        allowedOrigins: ['*'],
        allowedMethods: [HttpMethods.PUT, HttpMethods.GET],
        allowedHeaders: ['content-type', 'if-none-match'],
        maxAge: 3600,
      },
    ],
  });
  acknowledge(bucket, {
    'AwsSolutions-S1':
      'Nobody reaches it without an address that a function has signed, and each is for one file. A log of who asked when would outlive the sessions.',
  });
  return bucket;
}

/** Of the addresses that functions sign: the SDK names a bucket in its host. */
export const filesOrigin = (bucket: Bucket): string => `https://${bucket.bucketRegionalDomainName}`;

/**
 * S3 uses the key in the name of its caller: a role that puts or reads files must be allowed to use the key through it. To put takes a
 * new data key, to read decrypts one.
 */
export function filesKeyStatement(
  scope: Construct,
  keyArn: string,
  { reads, puts }: { reads: boolean; puts: boolean },
): PolicyStatement {
  return new PolicyStatement({
    actions: [...(reads ? ['kms:Decrypt'] : []), ...(puts ? ['kms:GenerateDataKey'] : [])],
    resources: [keyArn],
    conditions: { StringEquals: { 'kms:ViaService': `s3.${Stack.of(scope).region}.${Aws.URL_SUFFIX}` } },
  });
}
