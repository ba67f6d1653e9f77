import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  CachePolicy,
  Distribution,
  HeadersFrameOption,
  HeadersReferrerPolicy,
  HttpVersion,
  ResponseHeadersPolicy,
  S3OriginAccessControl,
  ViewerProtocolPolicy,
} from 'aws-cdk-lib/aws-cloudfront';
import { S3BucketOrigin } from 'aws-cdk-lib/aws-cloudfront-origins';
import { BlockPublicAccess, Bucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import { Aws, Duration, Fn, RemovalPolicy } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { SettingError } from '../config/settings/setting.ts';
import { acknowledge } from './nag.ts';
import { nameOf } from './name.ts';
import { pageHeaders } from './page-headers.ts';
import { uploadPage } from './page-upload.ts';
import type { PlainProps } from './plain-props.ts';

const HSTS = Duration.days(365);

const defaultFolder = join(import.meta.dirname, '..', 'web', 'dist');

/** What the page may connect to beside its own address. */
interface Reached {
  /** The WebSocket's. */
  url: string;
  /** The origin of the sessions' files. */
  files: string | undefined;
}

/**
 * Serves the page as static files: a private bucket behind CloudFront, over HTTPS only.
 * @throws {SettingError} if the page was not built
 */
export function createPage(scope: Construct, { url, files }: Reached, props: PlainProps): Distribution {
  const folder = props.pageFolder ?? defaultFolder;
  if (!existsSync(join(folder, 'index.html'))) {
    throw new SettingError(
      props.pageFolder === undefined
        ? `MIDTURN_PAGE: ${folder} has no page; npm run build:web makes it.`
        : `pageFolder is "${folder}": it has no index.html.`,
    );
  }
  // The bucket is deleted with the stack: each deployment uploads all of its files.
  // The CDK's class and its interface differ in whether optional fields may be undefined.
  const bucket = new Bucket(scope, 'PageBucket', {
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    removalPolicy: RemovalPolicy.DESTROY,
  }) as IBucket;
  const distribution = new Distribution(scope, 'PageDistribution', {
    comment: `Midturn: the page of ${nameOf(scope)}`,
    defaultRootObject: 'index.html',
    httpVersion: HttpVersion.HTTP2_AND_3,
    defaultBehavior: {
      origin: S3BucketOrigin.withOriginAccessControl(bucket, {
        originAccessControl: new S3OriginAccessControl(scope, 'PageAccess', {
          originAccessControlName: uniqueName(scope, 'page'),
        }),
      }),
      viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
      cachePolicy: CachePolicy.CACHING_OPTIMIZED,
      compress: true,
      responseHeadersPolicy: createHeaders(scope, url, files),
    },
  });
  uploadPage(scope, { folder, bucket, url, props });
  explain(bucket, distribution);
  return distribution;
}

/**
 * CloudFront's names are unique per account, and the CDK makes them of the stack's name, which another region can have as
 * well. The last part of a stack's id is a UUID, and the end of a construct's address tells two of a stack apart. A name of an
 * origin access control has at most 64 characters.
 */
const uniqueName = (scope: Construct, what: string): string =>
  Fn.join('-', ['midturn', what, Fn.select(2, Fn.split('/', Aws.STACK_ID)), scope.node.addr.slice(-8)]);

function createHeaders(scope: Construct, url: string, files: string | undefined): ResponseHeadersPolicy {
  const headers = pageHeaders(url, files);
  return new ResponseHeadersPolicy(scope, 'PageHeaders', {
    responseHeadersPolicyName: uniqueName(scope, 'headers'),
    comment: `Midturn: the page of ${nameOf(scope)}`,
    securityHeadersBehavior: {
      contentSecurityPolicy: { contentSecurityPolicy: headers['content-security-policy'], override: true },
      contentTypeOptions: { override: true },
      frameOptions: { frameOption: HeadersFrameOption.DENY, override: true },
      referrerPolicy: { referrerPolicy: HeadersReferrerPolicy.NO_REFERRER, override: true },
      strictTransportSecurity: { accessControlMaxAge: HSTS, includeSubdomains: false, override: true },
    },
  });
}

function explain(bucket: IBucket, distribution: Distribution): void {
  const unlogged = 'The files are public and the same for everybody. The API has its own access log.';
  acknowledge(bucket, { 'AwsSolutions-S1': unlogged });
  acknowledge(distribution, {
    'AwsSolutions-CFR1': 'The deploying team decides which countries the page is for.',
    'AwsSolutions-CFR2': 'Static files behind a cache: no input is processed.',
    'AwsSolutions-CFR3': unlogged,
    'AwsSolutions-CFR4':
      'The host name is CloudFront’s own, and its certificate allows no choice of protocols.',
  });
}
