import { createModelCallToUIChunkTransform } from '@ai-sdk/workflow';
import { convertToModelMessages, createUIMessageStreamResponse, type UIMessage } from 'ai';
import { Hono } from 'hono';
import { getRun, start } from 'workflow/api';
import { chat, messageHook } from './workflows/chat';

/** The three routes of Workflow's guide: a run is begun, is sent messages, and its stream is read from a place on. */

const app = new Hono();

app.get('/', (context) => context.text('ready'));

app.post('/api/chat', async (context) => {
  const { messages }: { messages: UIMessage[] } = await context.req.json();
  const run = await start(chat, [await convertToModelMessages(messages), process.env.MODEL_URL ?? '']);
  return streamOf(run.runId, 0);
});

app.post('/api/chat/:run/message', async (context) => {
  const { message }: { message: string } = await context.req.json();
  await messageHook.resume(context.req.param('run'), { message });
  return context.json({ success: true });
});

app.get('/api/chat/:run/stream', (context) =>
  streamOf(context.req.param('run'), Number(context.req.query('startIndex') ?? 0)),
);

function streamOf(runId: string, uiStartIndex: number): Response {
  const stream = getRun(runId)
    .getReadable({ startIndex: 0 })
    .pipeThrough(createModelCallToUIChunkTransform({ uiStartIndex }));
  return createUIMessageStreamResponse({ stream, headers: { 'x-workflow-run-id': runId } });
}

export default app;
