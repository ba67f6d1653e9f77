import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BEDROCK_ENDPOINT } from '../local/cloud.ts';
import { LocalCloudError } from '../local/errors.ts';
import { temporaryFolder } from '../test/support/temporary-folder.ts';
import { readTheirApp } from './their-app.ts';

interface Midturn {
  path: string;
  agent?: string;
  page?: string;
}

/** An app that writes stacks with these Midturns, without the CDK, and the context that it was given. */
function givenApp(stacks: Readonly<Record<string, readonly Midturn[]>>): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, 'cdk.json'), JSON.stringify({ app: 'node app.mjs', context: { theirs: 1 } }));
  writeFileSync(
    join(folder, 'app.mjs'),
    `import { mkdirSync, writeFileSync } from 'node:fs';
const { CDK_OUTDIR, CDK_CONTEXT_JSON } = process.env;
mkdirSync(CDK_OUTDIR, { recursive: true });
const stacks = ${JSON.stringify(stacks)};
const table = (path) => ({ Type: 'AWS::DynamoDB::Table', Metadata: { 'aws:cdk:path': path + '/Table/Resource' } });
for (const [name, midturns] of Object.entries(stacks)) {
  const Midturn = midturns.map((one) => ({ table: 'T', deadlineQueue: 'Q', ...one }));
  const Resources = Object.fromEntries(midturns.map(({ path }, n) => ['T' + n, table(path)]));
  const text = JSON.stringify({ Resources, Metadata: { Midturn, context: JSON.parse(CDK_CONTEXT_JSON) } });
  writeFileSync(CDK_OUTDIR + '/' + name + '.template.json', text);
}
const artifacts = Object.fromEntries(
  Object.keys(stacks).map((name) => [
    name,
    { environment: 'aws://111122223333/eu-west-1', properties: { stackName: 'our-' + name } },
  ]),
);
writeFileSync(CDK_OUTDIR + '/manifest.json', JSON.stringify({ artifacts }));`,
  );
  return folder;
}

const [CHAT, CHAT_2, SALES] = ['Unit/Chat', 'Unit/Chat2', 'Unit/Team/Sales'].map((path) => ({
  path,
  agent: `/${path}.ts`,
})) as [Midturn, Midturn, Midturn];

describe('the Midturn of an app', () => {
  it.each([
    [{ stack: 'Unit', id: 'Chat' }, CHAT, [CHAT_2, SALES]],
    [{ id: 'Chat2' }, CHAT_2, [CHAT, SALES]],
    [{ id: 'Sales' }, SALES, [CHAT, CHAT_2]],
    [{ id: 'Team/Sales' }, SALES, [CHAT, CHAT_2]],
    [{ id: 'Unit/Team/Sales' }, SALES, [CHAT, CHAT_2]],
  ])('is the one of %j, and what is the others’ is left out', async (choice, chosen, others) => {
    const app = await readTheirApp(givenApp({ Unit: [CHAT, CHAT_2, SALES] }), {}, choice);
    expect([app.agent, app.midturns]).toEqual([
      chosen.agent,
      [chosen.path, ...others.map(({ path }) => path)],
    ]);
    const { Metadata, Resources } = app.template({});
    expect(Metadata?.Midturn).toMatchObject([chosen]);
    const kept = Object.values(Resources).filter((resource) => !app.leftOut?.(resource));
    expect(kept.map(({ Metadata: { 'aws:cdk:path': path } = {} }) => path)).toEqual([
      `${chosen.path}/Table/Resource`,
    ]);
  });

  it('is the only one of the stack that is named, and knows where that is deployed', async () => {
    const page = { ...CHAT, page: '/page' };
    const folder = givenApp({ Unit: [page], Other: [{ ...SALES, path: 'Other/Sales' }] });
    const { agent, deployment, ...app } = await readTheirApp(folder, {}, { stack: 'Unit' });
    expect([agent, app.page]).toEqual([CHAT.agent, '/page']);
    expect(deployment).toEqual({ stackName: 'our-Unit', account: '111122223333', region: 'eu-west-1' });
  });

  it('is synthesized with the settings in the place of its props, and with the app’s own context', async () => {
    const settings = { MIDTURN_MODEL: 'openai:m', [BEDROCK_ENDPOINT]: 'http://127.0.0.1:1' };
    const { text } = await readTheirApp(givenApp({ Unit: [CHAT] }), settings, { id: 'Chat' });
    const { context } = JSON.parse(text).Metadata;
    expect(context).toMatchObject({
      theirs: 1,
      'midturn:local': { MIDTURN_MODEL: 'openai:m', MIDTURN_AUTH: 'none', MIDTURN_STAGE: 'local' },
      'aws:cdk:enable-path-metadata': true,
    });
    expect(context['midturn:local']).not.toHaveProperty(BEDROCK_ENDPOINT);
  });

  it.each([
    [{ id: 'at' }, 'the app has no Midturn at. It has Unit/Chat, Unit/Chat2.'],
    [{ id: 'Unit' }, 'the app has no Midturn Unit. It has Unit/Chat, Unit/Chat2.'],
    [{ stack: 'Unit' }, 'the app has several Midturns: Unit/Chat, Unit/Chat2. Choose one with --id;'],
    [{ stack: 'None' }, 'the app has no stack None with a Midturn. Its stacks: Empty, Unit.'],
    [{ stack: 'Empty' }, 'the app has no stack Empty with a Midturn. Its stacks: Empty, Unit.'],
  ])('is not guessed: %j', async (choice, complaint) => {
    const reading = readTheirApp(givenApp({ Empty: [], Unit: [CHAT, CHAT_2] }), {}, choice);
    await expect(reading).rejects.toThrow(LocalCloudError);
    await expect(reading).rejects.toThrow(complaint);
  });

  it('is refused without an agent, and where no stack has one', async () => {
    const without = readTheirApp(givenApp({ Unit: [{ path: 'Unit/Chat' }] }), {}, { id: 'Chat' });
    await expect(without).rejects.toThrow('Unit/Chat has no prop agent.');
    const none = readTheirApp(givenApp({ Unit: [] }), {}, { id: 'none' });
    await expect(none).rejects.toThrow('no stack of the app has a Midturn. Its stacks: Unit.');
  });
});
