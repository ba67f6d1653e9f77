/** The files of a new project, by their paths. */

export const AGENT_FILES: Readonly<Record<string, string>> = {
  'agent/agent.ts': `import { tool } from 'ai';
import { defineAgent } from 'midturn/agent';
import { z } from 'zod';

export const roll = (sides: number, chance = Math.random()) => 1 + Math.floor(chance * sides);

const dice = tool({
  description: 'Rolls a die.',
  inputSchema: z.object({ sides: z.int().min(2).max(100) }),
  execute: async ({ sides }) => ({ sides, rolled: roll(sides) }),
});

export const agent = defineAgent({
  instructions: [
    'You are the master of a game. Answer briefly.',
    'New messages may arrive while you answer: go on from what you have said.',
  ].join('\\n'),
  // After a crash, a tool that is idempotent runs again.
  tools: { dice: { tool: dice, idempotent: true } },
});
`,
  'agent/agent.test.ts': `import { expect, test } from 'vitest';
import { agent, roll } from './agent.js';

test('a roll is one of the sides', () => {
  expect([roll(6, 0), roll(6, 0.5), roll(6, 0.999)]).toEqual([1, 4, 6]);
});

test('the agent has the dice', () => {
  expect(Object.keys(agent.tools ?? {})).toEqual(['dice']);
});
`,
};

export const APP_FILES: Readonly<Record<string, string>> = {
  'app.ts': `import { App, CfnOutput, Stack } from 'aws-cdk-lib';
import { UserPool } from 'aws-cdk-lib/aws-cognito';
import { Midturn, MidturnAuth } from 'midturn/cdk';

const stack = new Stack(new App(), 'Chat');
const users = new UserPool(stack, 'Users');
const auth = MidturnAuth.cognito(users, users.addClient('Web'));
const chat = new Midturn(stack, 'Chat', { agent: 'agent/agent.ts', model: 'demo', auth });
new CfnOutput(stack, 'Url', { value: chat.url });
`,
  'cdk.json': `{
  "app": "node app.ts"
}
`,
  'tsconfig.json': `{
  "compilerOptions": {
    "target": "es2024",
    "module": "nodenext",
    "types": ["node"],
    "strict": true,
    "noUncheckedIndexedAccess": true,
    "verbatimModuleSyntax": true,
    "erasableSyntaxOnly": true,
    "allowImportingTsExtensions": true,
    "skipLibCheck": true,
    "noEmit": true
  },
  "include": ["app.ts", "agent"]
}
`,
  '.gitignore': `node_modules/
cdk.out/
.midturn/
.env
`,
  'README.md': `# A chat with an agent that can be steered

    npm install
    npm run dev     # http://127.0.0.1:8787/, without AWS and without a model key
    npm test
    npx cdk deploy  # into your AWS account

Write \`use dice {"sides": 6}\`: the demo model calls any tool by its name. \`npm run dev\` takes in changes of \`agent/\` while it runs.

A real model is named in \`app.ts\`, as in \`bedrock:<model id>\` or \`anthropic:<model id>\`. For \`npm run dev\`:

    MIDTURN_MODEL=anthropic:<model id> MIDTURN_MODEL_API_KEY=… npm run dev

\`npx midturn --help\` lists the commands.
`,
};

/** Scripts of a new project. */
export const SCRIPTS: Readonly<Record<string, string>> = {
  dev: 'midturn dev',
  test: 'tsc && vitest run',
  synth: 'cdk synth --quiet',
  deploy: 'cdk deploy',
};

/** Packages of a new project, beside \`midturn\` itself. */
export const PACKAGES = {
  dependencies: ['ai', 'aws-cdk-lib', 'constructs', 'zod'],
  devDependencies: ['@types/node', 'aws-cdk', 'typescript', 'vitest'],
} as const;

/** What an app that is there already has to say. */
export const IN_YOUR_STACK = `import { Midturn, MidturnAuth } from 'midturn/cdk';

new Midturn(this, 'Chat', {
  agent: 'agent/agent.ts',
  model: 'demo',
  auth: MidturnAuth.cognito(userPool, userPoolClient), // or .jwt({ issuer, audience }), .tokens('secret')
});`;
