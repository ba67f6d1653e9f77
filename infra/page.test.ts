import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { readProps } from './settings.ts';
import { synthesize } from './testing.ts';

describe('the page', () => {
  it('is deployed only if that is set', () => {
    synthesize().resourceCountIs('AWS::CloudFront::Distribution', 0);
    synthesize({ fileBytes: 0 }).resourceCountIs('AWS::S3::Bucket', 0);
    expect(synthesize().findOutputs('PageUrl')).toEqual({});
    expect(readProps((name) => (name === 'MIDTURN_PAGE' ? 'true' : undefined)).props.page).toBe(true);
    expect(() => readProps((name) => (name === 'MIDTURN_PAGE' ? 'yes' : undefined))).toThrow(
      /^MIDTURN_PAGE is "yes"/,
    );
  });

  it('that is in no folder is refused by its name', () => {
    expect(() => synthesize({ page: true, pageFolder: '/nowhere' })).toThrow(
      'pageFolder is "/nowhere": it has no index.html.',
    );
  });

  it('is read by CloudFront only: the bucket is private, and accepts TLS only', () => {
    const template = synthesize({ page: true, fileBytes: 0 });
    template.hasResourceProperties('AWS::S3::Bucket', {
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    });
    const [distribution = ''] = Object.keys(template.findResources('AWS::CloudFront::Distribution'));
    const [policy] = Object.values(template.findResources('AWS::S3::BucketPolicy'));
    const statements: { Effect: string; Action: unknown; Principal: unknown; Condition: unknown }[] =
      policy?.Properties.PolicyDocument.Statement;
    const allowed = statements.filter(({ Effect }) => Effect === 'Allow');
    expect(allowed).toMatchObject([
      { Action: 's3:GetObject', Principal: { Service: 'cloudfront.amazonaws.com' } },
    ]);
    expect(JSON.stringify(allowed[0]?.Condition)).toContain(distribution);
    expect(statements).toContainEqual(
      expect.objectContaining({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
    );
    template.hasResourceProperties('AWS::CloudFront::OriginAccessControl', {
      OriginAccessControlConfig: { SigningBehavior: 'always' },
    });
  });

  it('is served over HTTPS, compressed, from its own root', () => {
    const template = synthesize({ page: true });
    template.hasResourceProperties('AWS::CloudFront::Distribution', {
      DistributionConfig: Match.objectLike({
        DefaultRootObject: 'index.html',
        DefaultCacheBehavior: Match.objectLike({ ViewerProtocolPolicy: 'redirect-to-https', Compress: true }),
      }),
    });
    expect(Object.keys(template.findOutputs('PageUrl'))).toEqual(['PageUrl']);
  });

  it('may connect to this WebSocket only, where there are no files', () => {
    const domain = {
      name: 'chat.example.com',
      certificateArn: 'arn:aws:acm:eu-west-1:111122223333:certificate/c',
    };
    const template = synthesize({ page: true, domain, fileBytes: 0 });
    template.hasResourceProperties('AWS::CloudFront::ResponseHeadersPolicy', {
      ResponseHeadersPolicyConfig: Match.objectLike({
        SecurityHeadersConfig: Match.objectLike({
          ContentSecurityPolicy: {
            Override: true,
            ContentSecurityPolicy:
              "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; " +
              "connect-src 'self' wss://chat.example.com; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
          },
          StrictTransportSecurity: Match.objectLike({ AccessControlMaxAgeSec: 31_536_000 }),
          FrameOptions: { FrameOption: 'DENY', Override: true },
          ContentTypeOptions: { Override: true },
        }),
      }),
    });
  });

  it('gets the WebSocket’s URL at the deployment', () => {
    const [upload] = Object.values(synthesize({ page: true }).findResources('Custom::CDKBucketDeployment'));
    const [fromPage, fromConfig] = upload?.Properties.SourceMarkers ?? [];
    expect(fromPage).toEqual({});
    // The parts of the stage's URL that are known no sooner.
    expect(Object.values(fromConfig)).toEqual([
      { Ref: expect.stringMatching(/^MidturnApi/) },
      { Ref: 'AWS::Region' },
      { Ref: 'AWS::URLSuffix' },
    ]);
  });

  it('is uploaded without what is a developer’s: its own config, and maps of the code', () => {
    const uploaded = (more: Record<string, string>) => {
      const pageFolder = temporaryFolder();
      for (const [name, text] of Object.entries({ 'index.html': '<!doctype html>', ...more }))
        writeFileSync(join(pageFolder, name), text);
      const [upload] = Object.values(
        synthesize({ page: true, pageFolder }).findResources('Custom::CDKBucketDeployment'),
      );
      // By the hashes of what is in them.
      return upload?.Properties.SourceObjectKeys;
    };
    const plain = uploaded({});
    expect(uploaded({ 'config.json': '{"url":"ws://localhost"}', 'page.js.map': '{}' })).toEqual(plain);
    expect(uploaded({ 'page.js': '1' })).not.toEqual(plain);
  });

  it('is uploaded with a role for two archives and one bucket', () => {
    const template = synthesize({ page: true });
    const [id = ''] = Object.keys(
      template.findResources('AWS::Lambda::Function', {
        Properties: { Runtime: Match.stringLikeRegexp('^python') },
      }),
    );
    const { Role, LoggingConfig } = template.toJSON().Resources[id].Properties;
    const role = Role['Fn::GetAtt'][0];
    expect(template.findResources('AWS::IAM::Role')[role]?.Properties).toEqual({
      AssumeRolePolicyDocument: expect.anything(),
    });
    const policies = Object.values(template.findResources('AWS::IAM::Policy')).filter(({ Properties }) =>
      JSON.stringify(Properties.Roles).includes(role),
    );
    expect(policies).toHaveLength(1);
    const statements: { Action: string | string[]; Resource: unknown }[] =
      policies[0]?.Properties.PolicyDocument.Statement;
    expect(statements.map(({ Action }) => Action)).toEqual([
      ['logs:CreateLogStream', 'logs:PutLogEvents'],
      's3:GetObject',
      's3:ListBucket',
      ['s3:DeleteObject', 's3:PutObject'],
    ]);
    const [, archives] = statements;
    expect(archives?.Resource).toHaveLength(2);
    expect(JSON.stringify(archives?.Resource)).toMatch(/\/[0-9a-f]{64}\.zip.*\/[0-9a-f]{64}\.zip/);
    expect(LoggingConfig).toBeDefined();
  });
});
