import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Template as Assertions } from 'aws-cdk-lib/assertions';
import { App, Stack } from 'aws-cdk-lib/core';
import { Midturn } from '../../infra/midturn.ts';
import type { MidturnProps } from '../../infra/props.ts';
import type { LocalApp } from '../../local/cloud.ts';
import type { Template } from '../../local/template/template.ts';
import { temporaryFolder } from './temporary-folder.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** A team's CDK app with a Midturn in it, for a local cloud. */
export interface TeamsApp {
  /** The props of the Midturn. Settings of the test take their place. */
  props?: (stack: Stack) => Partial<MidturnProps>;
  /** What the team's stack has besides. */
  besides?: (stack: Stack, chat: Midturn) => void;
}

export const teamsApp = ({ props = () => ({}), besides = () => {} }: TeamsApp): LocalApp => ({
  agent: join(ROOT, 'agent', 'agent.ts'),
  template(settings) {
    const { context } = JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8'));
    const app = new App({
      outdir: temporaryFolder(),
      context: {
        ...context,
        'midturn:local': settings,
        'aws:cdk:enable-asset-metadata': true,
        'aws:cdk:disable-asset-staging': true,
        '@aws-cdk/core:validateAgainstDefaultRules': false,
      },
    });
    const stack = new Stack(app, 'Theirs');
    besides(stack, new Midturn(stack, 'Chat', { model: 'demo', auth: 'none', ...props(stack) }));
    return Assertions.fromStack(stack).toJSON() as Template;
  },
});
