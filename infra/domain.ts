import { ApiMapping, DomainName, SecurityPolicy, type WebSocketStage } from 'aws-cdk-lib/aws-apigatewayv2';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { CfnRecordSet } from 'aws-cdk-lib/aws-route53';
import type { Construct } from 'constructs';
import type { DomainProps } from './plain-props.ts';

/**
 * Creates a host name in front of the stage: clients connect to `wss://{name}`. Functions still post to the stage's own
 * callback URL, which reaches the same connections, unless the API's default endpoint is disabled.
 */
export function createDomain(
  scope: Construct,
  stage: WebSocketStage,
  { name, certificateArn, hostedZoneId }: DomainProps,
): DomainName {
  const domain = new DomainName(scope, 'Domain', {
    domainName: name,
    certificate: Certificate.fromCertificateArn(scope, 'DomainCertificate', certificateArn),
    securityPolicy: SecurityPolicy.TLS_1_2,
  });
  new ApiMapping(scope, 'DomainMapping', { api: stage.api, domainName: domain, stage });
  if (hostedZoneId) {
    new CfnRecordSet(scope, 'DomainRecord', {
      hostedZoneId,
      name,
      type: 'A',
      aliasTarget: { dnsName: domain.regionalDomainName, hostedZoneId: domain.regionalHostedZoneId },
    });
  }
  return domain;
}
