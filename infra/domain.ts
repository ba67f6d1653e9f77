import {
  ApiMapping,
  DomainName,
  type IDomainName,
  SecurityPolicy,
  type WebSocketStage,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { CfnRecordSet } from 'aws-cdk-lib/aws-route53';
import type { Construct } from 'constructs';
import type { DomainProps, ExistingDomain, PlainProps } from './plain-props.ts';

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

/** Maps the stage to a host name of the app's own. */
export function mapDomain(
  scope: Construct,
  stage: WebSocketStage,
  { domainName, mappingKey }: ExistingDomain,
): IDomainName {
  new ApiMapping(scope, 'DomainMapping', {
    api: stage.api,
    domainName,
    stage,
    ...(mappingKey !== undefined && { apiMappingKey: mappingKey }),
  });
  return domainName;
}

/** Host name and path of the stage: `chat.example.com`, `api.example.com/chat`. Undefined: only those that API Gateway assigns. */
export function domainAddress({ domain, existingDomain }: PlainProps): string | undefined {
  if (!existingDomain) return domain?.name;
  const { domainName, mappingKey } = existingDomain;
  return mappingKey === undefined ? domainName.name : `${domainName.name}/${mappingKey}`;
}
