import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { App } from 'aws-cdk-lib/core';
import { FUNCTION_NAMES, type FunctionName } from '../config/function-names.ts';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { FUNCTIONS } from './function-table.ts';
import type { MidturnProps } from './props.ts';
import { MidturnStack } from './stack.ts';

/** Bundles that do nothing: a template does not depend on their content. */
const bundles = temporaryFolder();
for (const name of FUNCTION_NAMES) {
  mkdirSync(join(bundles, name));
  writeFileSync(join(bundles, name, 'index.mjs'), 'export const handler = async () => {};');
}

/** A page without content, for the same reason. */
const pageFolder = temporaryFolder();
writeFileSync(join(pageFolder, 'index.html'), '<!doctype html>');

/** The context of `cdk synth`, without what takes time: copies of the bundles, and the CDK's own validation. */
const context = {
  ...JSON.parse(readFileSync(join(import.meta.dirname, '..', 'cdk.json'), 'utf8')).context,
  '@aws-cdk/core:validateAgainstDefaultRules': false,
  'aws:cdk:disable-asset-staging': true,
};

export function createStack(
  props: Partial<MidturnProps> = {},
  missing: string[] = [],
  stackName = 'Midturn',
): MidturnStack {
  const midturn: MidturnProps = {
    model: 'demo',
    auth: 'none',
    openToAnyone: true,
    bundles,
    pageFolder,
    ...props,
  };
  const app = new App({ context, outdir: temporaryFolder() });
  return new MidturnStack(app, 'Midturn', { midturn, missing, stackName });
}

const templates = new Map<string, Template>();

/** The template for these props. It is shared: do not change it. */
export function synthesize(props: Partial<MidturnProps> = {}, missing: string[] = []): Template {
  const key = JSON.stringify([props, missing]);
  const template = templates.get(key) ?? Template.fromStack(createStack(props, missing));
  templates.set(key, template);
  return template;
}

// The first synth loads modules of the CDK. It runs here, so that no test waits for it.
synthesize();

export type Properties = Record<string, unknown>;

export function functionNamed(template: Template, name: FunctionName): { Properties: Properties } {
  const description = `Midturn: ${FUNCTIONS[name].description}`;
  const [found] = Object.values(
    template.findResources('AWS::Lambda::Function', { Properties: { Description: description } }),
  );
  if (!found) throw new Error(`no function ${name}`);
  return found as { Properties: Properties };
}

export function variablesOf(template: Template, name: FunctionName): Record<string, unknown> {
  const { Environment } = functionNamed(template, name).Properties as {
    Environment?: { Variables: Record<string, unknown> };
  };
  return Environment?.Variables ?? {};
}

export interface Statement {
  Effect: string;
  Action: string | string[];
  Resource: unknown;
  Condition?: unknown;
}

/** What a function's role allows. */
export function statementsOf(template: Template, name: FunctionName): Statement[] {
  const { Role } = functionNamed(template, name).Properties as { Role: { 'Fn::GetAtt': [string, string] } };
  const role = template.findResources('AWS::IAM::Role')[Role['Fn::GetAtt'][0]];
  const policies = role?.Properties.Policies as { PolicyDocument: { Statement: Statement[] } }[];
  return policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
}
