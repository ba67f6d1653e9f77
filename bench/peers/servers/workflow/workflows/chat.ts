import { type ModelCallStreamPart, WorkflowAgent } from '@ai-sdk/workflow';
import { isStepCount, type ModelMessage, tool } from 'ai';
import { defineHook, getWorkflowMetadata, getWritable } from 'workflow';
import { z } from 'zod';
import { ScriptedModel } from './model';

/** The session of Workflow's guide on queueing messages: one run for a conversation, with one hook that takes all messages. */

export const messageHook = defineHook({ schema: z.object({ message: z.string() }) });

async function wait({ seconds }: { seconds: number }) {
  'use step';
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  return { waited: seconds };
}

/** Ends a turn in the stream, or begins the next one: without it, a turn would take back the last step of the one before. */
async function mark(type: 'start-step' | 'finish-step') {
  'use step';
  const writer = getWritable<object>().getWriter();
  await writer.write({ type });
  writer.releaseLock();
}

export async function chat(first: ModelMessage[], modelUrl: string) {
  'use workflow';
  const { workflowRunId } = getWorkflowMetadata();
  const writable = getWritable<ModelCallStreamPart>();
  const agent = new WorkflowAgent({
    model: new ScriptedModel(modelUrl),
    tools: {
      wait: tool({
        description: 'Waits so many seconds.',
        inputSchema: z.object({ seconds: z.number() }),
        execute: wait,
      }),
    },
    stopWhen: isStepCount(16),
  });

  const queue: string[] = [];
  let wake: (() => void) | undefined;
  const hook = messageHook.create({ token: workflowRunId });
  void (async () => {
    for await (const { message } of hook) {
      queue.push(message);
      wake?.();
    }
  })();

  let messages = first;
  for (;;) {
    const result = await agent.stream({
      messages,
      writable,
      preventClose: true,
      sendFinish: false,
      prepareStep: ({ messages: known }) => {
        const queued = queue.splice(0);
        if (queued.length === 0) return {};
        const texts = queued.map((text) => ({
          role: 'user' as const,
          content: [{ type: 'text' as const, text }],
        }));
        return { messages: [...known, ...texts] };
      },
    });
    messages = result.messages;
    await mark('finish-step');
    while (queue.length === 0) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    await mark('start-step');
    messages = [...messages, ...queue.splice(0).map((content) => ({ role: 'user' as const, content }))];
  }
}
