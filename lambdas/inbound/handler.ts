import type { APIGatewayProxyResultV2, APIGatewayProxyWebsocketEventV2 } from 'aws-lambda';
import { coreOf } from '../adapters/environment.ts';
import { handleFrame } from '../core/inbound/dispatch.ts';
import { errorReply, reply } from '../core/replies.ts';

const core = coreOf(process.env);

/** Every frame of a client, of whatever route. */
export async function handler(event: APIGatewayProxyWebsocketEventV2): Promise<APIGatewayProxyResultV2> {
  const { connectionId, requestTimeEpoch, requestId } = event.requestContext;
  try {
    await handleFrame(core, { connectionId, body: event.body ?? '', receivedAt: requestTimeEpoch });
    return { statusCode: 200 };
  } catch (error) {
    core.log.error('frame failed', {
      requestId,
      connectionId,
      error: String(error),
      stack: (error as Error)?.stack,
    });
    // Nothing is said of what happened inside; the request id leads to the log.
    await reply(
      core,
      connectionId,
      errorReply('INTERNAL', `The frame could not be handled (request ${requestId}).`),
    );
    return { statusCode: 500 };
  }
}
