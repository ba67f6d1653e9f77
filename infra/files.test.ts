import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { synthesize } from './testing.ts';

describe('the bucket of files', () => {
  it('is private, takes TLS alone, and stays when the stack is deleted', () => {
    const template = synthesize();
    template.hasResource('AWS::S3::Bucket', {
      DeletionPolicy: 'Retain',
      Properties: Match.objectLike({
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
      }),
    });
    const [policy] = Object.values(template.findResources('AWS::S3::BucketPolicy'));
    expect(policy?.Properties.PolicyDocument.Statement).toMatchObject([
      { Effect: 'Deny', Action: 's3:*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
    ]);
  });

  it('keeps files a little longer than the transcript that names them', () => {
    synthesize({ retentionDays: 7 }).hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: { Rules: [Match.objectLike({ ExpirationInDays: 10, Status: 'Enabled' })] },
    });
  });

  it('is not there where files are switched off, and no role names one', () => {
    const template = synthesize({ fileBytes: 0 });
    template.resourceCountIs('AWS::S3::Bucket', 0);
    expect(JSON.stringify(template.findResources('AWS::IAM::Role'))).not.toContain('s3:');
  });

  it('is encrypted with the table’s key, which the roles that read and put files may use through S3, each as it needs', () => {
    const tableKeyArn = 'arn:aws:kms:eu-west-1:111122223333:key/k';
    const template = synthesize({ tableKeyArn });
    template.hasResourceProperties('AWS::S3::Bucket', {
      BucketEncryption: {
        ServerSideEncryptionConfiguration: [
          Match.objectLike({
            ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: tableKeyArn },
          }),
        ],
      },
    });
    const uses = Object.values(template.findResources('AWS::IAM::Role')).flatMap(({ Properties }) =>
      (Properties.Policies ?? []).flatMap(({ PolicyDocument }: { PolicyDocument: { Statement: object[] } }) =>
        PolicyDocument.Statement.filter((one) => JSON.stringify(one).includes('"s3.')),
      ),
    );
    // The functions of frames, of turns and of deadlines read and put.
    const both = ['kms:Decrypt', 'kms:GenerateDataKey'];
    expect(uses.map(({ Action }: { Action: unknown }) => Action)).toEqual([both, both, both]);
  });

  it('is what the page may connect to and show', () => {
    const [headers] = Object.values(
      synthesize({ page: true }).findResources('AWS::CloudFront::ResponseHeadersPolicy'),
    );
    const policy = JSON.stringify(headers);
    for (const directive of ['img-src data: https://', 'media-src https://'])
      expect(policy).toContain(directive);
    expect(policy).toContain('RegionalDomainName');
  });
});
