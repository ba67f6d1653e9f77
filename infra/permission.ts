import type { PolicyStatement } from 'aws-cdk-lib/aws-iam';

/** One statement of a function's role. */
export interface Permission {
  statement: PolicyStatement;
  /** Why a resource of the statement contains a `*`, if one does. */
  wildcard?: string;
}
