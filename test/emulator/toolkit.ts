import type { Template, Value } from '../../local/template/template.ts';

export type StackTemplate = Template & { Outputs?: Readonly<Record<string, { Value: Value }>> };

/**
 * The stack that `cdk bootstrap` makes. Its template comes as YAML, which nothing here reads; this is as much of it as the
 * CLI asks for later: the bucket for assets, and the version of it all.
 */
export function toolkitTemplate(yaml: string): StackTemplate {
  const version = /BootstrapVersion:[\s\S]*Value: ["']?(\d+)/.exec(yaml)?.[1];
  if (!version) throw new Error('neither JSON nor the template of cdk bootstrap');
  const join = (...parts: Value[]) => ({ 'Fn::Join': ['-', parts] });
  const qualifier = { Ref: 'Qualifier' };
  const bucket = join('cdk', qualifier, 'assets', { Ref: 'AWS::AccountId' }, { Ref: 'AWS::Region' });
  const versionName = { 'Fn::Join': ['', ['/cdk-bootstrap/', qualifier, '/version']] };
  return {
    Parameters: { Qualifier: { Type: 'String', Default: 'hnb659fds' } },
    Resources: {
      StagingBucket: { Type: 'AWS::S3::Bucket', Properties: { BucketName: bucket } },
      CdkBootstrapVersion: {
        Type: 'AWS::SSM::Parameter',
        Properties: { Name: versionName, Value: version },
      },
    },
    Outputs: {
      BucketName: { Value: bucket },
      BucketDomainName: { Value: { 'Fn::GetAtt': ['StagingBucket', 'RegionalDomainName'] } },
      BootstrapVersion: { Value: version },
    },
  };
}
