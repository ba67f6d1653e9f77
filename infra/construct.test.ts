import { Template } from 'aws-cdk-lib/assertions';
import { AttributeType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { App, Stack } from 'aws-cdk-lib/core';
import { describe, expect, it } from 'vitest';
import { TEST_BUNDLES } from '../test/support/bundles.ts';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { Midturn } from './index.ts';

/** A stack of somebody else's, in an app that knows nothing of ours. */
function theirStack(): Stack {
  return new Stack(new App({ outdir: temporaryFolder() }), 'Theirs');
}

const bundles = TEST_BUNDLES;

describe('the construct in another app’s stack', () => {
  it('stands beside the app’s own resources, which can use its functions', () => {
    const stack = theirStack();
    const topic = new Topic(stack, 'Ops');
    const orders = new Table(stack, 'Orders', { partitionKey: { name: 'id', type: AttributeType.STRING } });
    const midturn = new Midturn(stack, 'Chat', {
      model: 'demo',
      auth: 'none',
      openToAnyone: true,
      bundles,
      alarmTopicArn: topic.topicArn,
    });
    orders.grantReadData(midturn.functions.turn);

    const template = Template.fromStack(stack);
    // What the agent's tools need, added to the turn function's role.
    const [granted] = Object.values(template.findResources('AWS::IAM::Policy'));
    expect(granted?.Properties.PolicyDocument.Statement[0].Action).toContain('dynamodb:Query');
    expect(JSON.stringify(granted?.Properties.Roles)).toContain('ChatTurnRole');
    // A reference to a resource of the same app, not an ARN that was written down.
    template.allResourcesProperties('AWS::CloudWatch::Alarm', {
      AlarmActions: [stack.resolve(topic.topicArn)],
    });
    expect(stack.resolve(midturn.url)).toBeDefined();
    expect(midturn.table.tableName).toBeDefined();
    expect(Object.keys(midturn.queues)).toEqual(['turn', 'deadTurn', 'deadline', 'deadDeadline']);
  });
});
