import { describe, expect, it } from 'vitest';
import { HTTP_ROUTES } from '../config/http-routes.ts';
import { functionNamed, synthesize, variablesOf } from './testing.ts';

const propertiesOf = (template: ReturnType<typeof synthesize>, type: string) =>
  Object.values(template.findResources(type)).map(({ Properties }) => Properties);

describe('the HTTP API', () => {
  const template = synthesize({ httpApi: true, framesPerMinute: 60 });
  const [api] = Object.entries(
    template.findResources('AWS::ApiGatewayV2::Api', { Properties: { ProtocolType: 'HTTP' } }),
  );
  const ofIt = (type: string) => propertiesOf(template, type).filter(({ ApiId }) => ApiId?.Ref === api?.[0]);

  it('is not there where nobody asks for it', () => {
    const without = synthesize();
    expect(propertiesOf(without, 'AWS::ApiGatewayV2::Api')).toHaveLength(1);
    expect(without.toJSON().Outputs).not.toHaveProperty('HttpUrl');
    expect(() => functionNamed(without, 'http')).toThrow('no function http');
  });

  it('asks the authorizer of the WebSocket API about every request, in the form of a handshake, and keeps no answer', () => {
    expect(ofIt('AWS::ApiGatewayV2::Authorizer')).toEqual([
      expect.objectContaining({
        AuthorizerType: 'REQUEST',
        AuthorizerPayloadFormatVersion: '1.0',
        AuthorizerResultTtlInSeconds: 0,
        IdentitySource: [],
      }),
    ]);
    const routes = ofIt('AWS::ApiGatewayV2::Route');
    expect(routes.map(({ RouteKey }) => RouteKey)).toEqual(HTTP_ROUTES);
    expect(routes.map(({ AuthorizationType }) => AuthorizationType)).toEqual(HTTP_ROUTES.map(() => 'CUSTOM'));
  });

  it('is throttled as handshakes are, for strangers can send both', () => {
    expect(ofIt('AWS::ApiGatewayV2::Stage')).toEqual([
      expect.objectContaining({
        StageName: '$default',
        DefaultRouteSettings: { ThrottlingRateLimit: 250, ThrottlingBurstLimit: 500 },
        AccessLogSettings: expect.objectContaining({ Format: expect.not.stringContaining('path') }),
      }),
    ]);
  });

  it('counts with the limits of frames, and may do what it needs', () => {
    expect(variablesOf(template, 'http')).toMatchObject({
      MIDTURN_FRAMES_PER_MINUTE: '60',
      MIDTURN_MANAGEMENT_ENDPOINT: expect.anything(),
    });
  });

  it('is open to scripts of those pages that the settings name, and of no others', () => {
    expect(api?.[1].Properties).not.toHaveProperty('CorsConfiguration');
    const open = synthesize({ httpApi: true, httpOrigins: 'https://a.example.com,https://b.example.com' });
    expect(propertiesOf(open, 'AWS::ApiGatewayV2::Api')).toContainEqual(
      expect.objectContaining({
        CorsConfiguration: {
          AllowHeaders: ['authorization', 'content-type'],
          AllowMethods: ['GET', 'POST', 'DELETE'],
          AllowOrigins: ['https://a.example.com', 'https://b.example.com'],
          ExposeHeaders: ['retry-after'],
          MaxAge: 3600,
        },
      }),
    );
    expect(() => synthesize({ httpApi: true, httpOrigins: 'example.com' })).toThrow('MIDTURN_HTTP_ORIGINS');
  });

  it('is behind the edge where there is one: its authorizer refuses who goes around', () => {
    const front = synthesize({
      httpApi: true,
      defaultEndpoint: false,
      originSecret: 'midturn/origin',
      domain: { name: 'api.example.com', certificateArn: 'arn:aws:acm:eu-west-1:111122223333:certificate/c' },
      edge: { webAclArn: 'arn:aws:wafv2:us-east-1:111122223333:global/webacl/w/1' },
    });
    const [distribution] = propertiesOf(front, 'AWS::CloudFront::Distribution');
    const { CacheBehaviors, Origins } = distribution?.DistributionConfig ?? {};
    expect(CacheBehaviors).toEqual([
      expect.objectContaining({ PathPattern: '/api/*', AllowedMethods: expect.arrayContaining(['DELETE']) }),
    ]);
    expect(
      Origins.map((origin: { OriginCustomHeaders: unknown[] }) => origin.OriginCustomHeaders.length),
    ).toEqual([1, 1]);
    expect(JSON.stringify(front.toJSON().Outputs.HttpUrl)).toContain('EdgeDistribution');
  });
});
