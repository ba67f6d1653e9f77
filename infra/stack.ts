import { Annotations, CfnOutput, CfnParameter, Stack, type StackProps, Validations } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { Midturn } from './midturn.ts';
import type { MidturnProps } from './props.ts';

export interface MidturnStackProps extends StackProps {
  midturn: MidturnProps;
  /** Names of settings that a deployment must choose and that were not set. The template has local defaults for them. */
  missing?: readonly string[];
}

/** One Midturn, named after its stack, and outputs for its operator. */
export class MidturnStack extends Stack {
  constructor(
    scope: Construct,
    id: string,
    { midturn: props, missing = [], ...stackProps }: MidturnStackProps,
  ) {
    super(scope, id, stackProps);
    const midturn = new Midturn(this, 'Midturn', { name: this.stackName, ...props });
    for (const name of missing) this.#demandOnDeploy(name);
    new CfnOutput(this, 'Url', { value: midturn.url, description: 'Where clients connect.' });
    if (midturn.httpUrl)
      new CfnOutput(this, 'HttpUrl', { value: midturn.httpUrl, description: 'The HTTP API: docs/http.md.' });
    if (midturn.page) {
      const value = `https://${midturn.page.distributionDomainName}`;
      new CfnOutput(this, 'PageUrl', { value, description: 'The page.' });
    }
    new CfnOutput(this, 'ManagementEndpoint', { value: midturn.managementEndpoint });
    new CfnOutput(this, 'ApiId', { value: midturn.api.apiId });
    new CfnOutput(this, 'StageName', { value: midturn.stage.stageName });
    new CfnOutput(this, 'DashboardName', { value: midturn.dashboard.dashboardName });
    if (midturn.alarmTopic) new CfnOutput(this, 'AlarmTopicArn', { value: midturn.alarmTopic.topicArn });
    new CfnOutput(this, 'TableName', { value: midturn.table.tableName });
    if (midturn.files) new CfnOutput(this, 'FilesBucket', { value: midturn.files.bucketName });
    new CfnOutput(this, 'TurnQueueUrl', { value: midturn.queues.turn.queueUrl });
    new CfnOutput(this, 'DeadlineQueueUrl', { value: midturn.queues.deadline.queueUrl });
    new CfnOutput(this, 'DeadTurnQueueUrl', { value: midturn.queues.deadTurn.queueUrl });
  }

  /**
   * Adds a parameter without a value: the template can be synthesized and read, but CloudFormation does not deploy it.
   * Otherwise a variable that was not exported could open a chat to the world.
   */
  #demandOnDeploy(name: string): void {
    const words = name.split('_').map((word) => word.charAt(0) + word.slice(1).toLowerCase());
    const id = `${words.join('')}IsNotSet`;
    new CfnParameter(this, id, {
      type: 'String',
      allowedValues: ['deploy-the-default'],
      description: `${name} was not set at synth. Set it in the environment or with -c ${name}=… and deploy again.`,
    });
    Validations.of(this).acknowledge({
      id: 'CloudFormation-Validate::W2001',
      reason: 'Nothing refers to the parameter: it must have no value.',
    });
    Annotations.of(this).addWarningV2(
      `midturn:${id}`,
      `${name} is not set: this template has a local default, and cdk deploy refuses it.`,
    );
  }
}
