import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import {
  AllowedMethods,
  CachePolicy,
  Distribution,
  HttpVersion,
  OriginProtocolPolicy,
  OriginRequestPolicy,
  OriginSslPolicy,
  SecurityPolicyProtocol,
  ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront';
import { HttpOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { CfnRecordSet } from 'aws-cdk-lib/aws-route53';
import { SecretValue } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { ORIGIN_HEADER } from '../config/origin-header.ts';
import { acknowledge } from './nag.ts';
import { nameOf } from './name.ts';
import type { DomainProps, EdgeProps } from './plain-props.ts';

/** The zone of every CloudFront distribution's records: https://docs.aws.amazon.com/general/latest/gr/cf_region.html */
const CLOUDFRONT_ZONE = 'Z2FDTNDATAQYW2';

interface Behind {
  /** The API's own host name. */
  domain: DomainProps;
  /** The secret with the value that the authorizer demands. */
  originSecret: string;
  /** The host name of the HTTP API, if there is one. */
  httpHost?: string;
}

/**
 * Creates CloudFront with a web ACL in front of the API's host name. AWS WAF has no association with a WebSocket API, but with
 * a distribution. CloudFront forwards all headers of a handshake but `Host`, by which API Gateway finds the API, and sets the
 * header that the authorizer demands: a client cannot, CloudFront replaces it. Sources:
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/distribution-working-with.websockets.html
 * https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/add-origin-custom-headers.html
 */
export function createEdge(
  scope: Construct,
  edge: EdgeProps,
  { domain, originSecret, httpHost }: Behind,
): Distribution {
  // CloudFormation reads the secret, so that the template does not contain it, and reads it again when the version changes.
  const proof = SecretValue.secretsManager(originSecret, {
    jsonField: 'current',
    ...(edge.secretVersion && { versionId: edge.secretVersion }),
  });
  const behaviorTo = (host: string) => ({
    origin: new HttpOrigin(host, {
      protocolPolicy: OriginProtocolPolicy.HTTPS_ONLY,
      originSslProtocols: [OriginSslPolicy.TLS_V1_2],
      customHeaders: { [ORIGIN_HEADER]: proof.unsafeUnwrap() },
    }),
    viewerProtocolPolicy: ViewerProtocolPolicy.HTTPS_ONLY,
    cachePolicy: CachePolicy.CACHING_DISABLED,
    originRequestPolicy: OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
  });
  const distribution = new Distribution(scope, 'EdgeDistribution', {
    comment: `Midturn: in front of the API of ${nameOf(scope)}`,
    webAclId: edge.webAclArn,
    httpVersion: HttpVersion.HTTP2,
    ...(edge.domainName &&
      edge.certificateArn && {
        domainNames: [edge.domainName],
        certificate: Certificate.fromCertificateArn(scope, 'EdgeCertificate', edge.certificateArn),
        minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
      }),
    defaultBehavior: behaviorTo(domain.name),
    ...(httpHost !== undefined && {
      additionalBehaviors: {
        '/api/*': { ...behaviorTo(httpHost), allowedMethods: AllowedMethods.ALLOW_ALL },
      },
    }),
  });
  if (edge.domainName && edge.hostedZoneId) {
    new CfnRecordSet(scope, 'EdgeRecord', {
      hostedZoneId: edge.hostedZoneId,
      name: edge.domainName,
      type: 'A',
      aliasTarget: { dnsName: distribution.distributionDomainName, hostedZoneId: CLOUDFRONT_ZONE },
    });
  }
  acknowledge(distribution, {
    'AwsSolutions-CFR1': 'The deploying team decides in its web ACL which countries may connect.',
    'AwsSolutions-CFR3':
      'A line of its log would contain tokens in query strings. The API has its own access log.',
    ...(!edge.certificateArn && {
      'AwsSolutions-CFR4':
        'The host name is CloudFront’s own, and its certificate allows no choice of protocols.',
    }),
  });
  return distribution;
}
