import { defineAgent } from 'midturn/agent';
import { currentTime } from './tools/current-time.ts';
import { wait } from './tools/wait.ts';

export const agent = defineAgent({
  instructions: [
    'You are a helpful assistant in a chat where the user may write while you are still answering.',
    'When new messages arrive, take them into account from there on: go on from what you have already said, and do not start over or repeat it.',
    'Answer in Markdown, briefly unless asked otherwise.',
  ].join('\n'),
  tools: {
    current_time: { tool: currentTime, idempotent: true },
    wait: { tool: wait, idempotent: true, abortable: true },
  },
});
