import { Match } from 'aws-cdk-lib/assertions';
import { describe, expect, it } from 'vitest';
import { ORIGIN_HEADER } from '../config/origin-header.ts';
import type { MidturnProps } from './props.ts';
import { statementsOf, synthesize, variablesOf } from './testing.ts';

const WEB_ACL = 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/chat/a-b';
const FRONT = {
  auth: 'tokens',
  tokensSecret: 'tokens',
  domain: { name: 'api.example.com', certificateArn: 'arn:aws:acm:eu-west-1:111122223333:certificate/c' },
  defaultEndpoint: false,
  originSecret: 'midturn/origin',
  edge: { webAclArn: WEB_ACL },
} as const satisfies Partial<MidturnProps>;

describe('CloudFront in front of the API', () => {
  const template = synthesize(FRONT);

  it('has the web ACL, and forwards handshakes with the value of the secret, which the template does not contain', () => {
    template.hasResourceProperties('AWS::CloudFront::Distribution', {
      DistributionConfig: {
        Enabled: true,
        WebACLId: WEB_ACL,
        DefaultCacheBehavior: {
          // CachingDisabled, and AllViewerExceptHostHeader: API Gateway finds the API by the host name.
          // https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/using-managed-origin-request-policies.html
          CachePolicyId: '4135ea2d-6df8-44a3-9df3-4b5a84be39ad',
          OriginRequestPolicyId: 'b689b0a8-53d0-40ab-baf2-68738e2966ac',
          ViewerProtocolPolicy: 'https-only',
        },
        Origins: [
          {
            DomainName: 'api.example.com',
            CustomOriginConfig: { OriginProtocolPolicy: 'https-only', OriginSSLProtocols: ['TLSv1.2'] },
            OriginCustomHeaders: [
              {
                HeaderName: ORIGIN_HEADER,
                HeaderValue: '{{resolve:secretsmanager:midturn/origin:SecretString:current::}}',
              },
            ],
          },
        ],
      },
    });
    expect(JSON.stringify(template.findOutputs('Url'))).toContain('EdgeDistribution');
  });

  it('is the only way in: the default endpoint is disabled, and the authorizer demands the value', () => {
    template.hasResourceProperties('AWS::ApiGatewayV2::Api', { DisableExecuteApiEndpoint: true });
    expect(variablesOf(template, 'authorizer')).toHaveProperty('MIDTURN_ORIGIN_SECRET', 'midturn/origin');
    const readable = statementsOf(template, 'authorizer').filter(({ Action }) =>
      String(Action).includes('secretsmanager'),
    );
    expect(JSON.stringify(readable)).toContain('midturn/origin');
    for (const name of ['connection', 'inbound', 'turn'] as const)
      expect(JSON.stringify(statementsOf(template, name))).not.toContain('midturn/origin');
  });

  it('P4: functions post under the API’s own host name, since the default endpoint refuses posts too', () => {
    for (const name of ['inbound', 'turn', 'deadline'] as const)
      expect(variablesOf(template, name)).toHaveProperty(
        'MIDTURN_MANAGEMENT_ENDPOINT',
        'https://api.example.com',
      );
    template.hasOutput('ManagementEndpoint', { Value: 'https://api.example.com' });
  });

  it('has a host name of its own where one is chosen, and sends the chosen version of the secret', () => {
    const named = synthesize({
      ...FRONT,
      edge: {
        webAclArn: WEB_ACL,
        domainName: 'chat.example.com',
        certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/e',
        hostedZoneId: 'Z0123',
        secretVersion: 'a1b2c3d4-0000-4000-8000-000000000000',
      },
    });
    named.hasResourceProperties('AWS::CloudFront::Distribution', {
      DistributionConfig: {
        Aliases: ['chat.example.com'],
        ViewerCertificate: { MinimumProtocolVersion: 'TLSv1.2_2021' },
        Origins: [
          {
            OriginCustomHeaders: [
              {
                HeaderValue:
                  '{{resolve:secretsmanager:midturn/origin:SecretString:current::a1b2c3d4-0000-4000-8000-000000000000}}',
              },
            ],
          },
        ],
      },
    });
    named.hasResourceProperties('AWS::Route53::RecordSet', {
      Name: 'chat.example.com',
      HostedZoneId: 'Z0123',
      AliasTarget: { HostedZoneId: 'Z2FDTNDATAQYW2' },
    });
    named.hasOutput('Url', { Value: 'wss://chat.example.com' });
  });
});

it('the API keeps its default endpoint where nothing is said, and functions post there', () => {
  const template = synthesize({ domain: FRONT.domain });
  template.hasResourceProperties('AWS::ApiGatewayV2::Api', { DisableExecuteApiEndpoint: Match.absent() });
  expect(JSON.stringify(variablesOf(template, 'inbound').MIDTURN_MANAGEMENT_ENDPOINT)).toContain(
    'execute-api',
  );
  template.resourceCountIs('AWS::CloudFront::Distribution', 0);
});
