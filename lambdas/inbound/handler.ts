import type { APIGatewayProxyResultV2, APIGatewayProxyWebsocketEventV2, Context } from 'aws-lambda';
import { callerOf } from '../../aws/api-gateway/caller.ts';
import { errorFields } from '../../aws/cloudwatch/error-fields.ts';
import { instrumentsOf } from '../../aws/cloudwatch/instruments.ts';
import { traced } from '../../aws/xray/tracer.ts';
import { epochMs } from '../../config/units.ts';
import { asConnectionId } from '../../core/ids.ts';
import { handleFrame } from '../../core/inbound/dispatch.ts';
import { errorReply, reply } from '../../core/replies.ts';
import { startCore } from '../core-of.ts';

const instruments = instrumentsOf(process.env, 'inbound');
const core = await startCore(process.env, instruments);

/** Handles every frame of a client, on any route. */
export const handler = (
  event: APIGatewayProxyWebsocketEventV2,
  context: Context,
): Promise<APIGatewayProxyResultV2> => instruments.invocation(context, () => receive(event));

async function receive(event: APIGatewayProxyWebsocketEventV2): Promise<APIGatewayProxyResultV2> {
  const { requestTimeEpoch, requestId } = event.requestContext;
  const connectionId = asConnectionId(event.requestContext.connectionId);
  const countedFor = callerOf(event.requestContext)?.countedFor;
  try {
    await traced({ env: process.env, ...core }, undefined, async (tracer) => {
      const span = tracer.begin('inbound', 'server', { 'faas.trigger': 'other' });
      await handleFrame(core, {
        connectionId,
        body: event.body ?? '',
        receivedAt: epochMs(requestTimeEpoch),
        ...(countedFor && { countedFor }),
      }).finally(() => span.end());
    });
    return { statusCode: 200 };
  } catch (error) {
    core.log.error('frame failed', { requestId, connectionId, ...errorFields(error) });
    // The reply gives no cause. The request id leads to it in the log.
    await reply(
      core,
      connectionId,
      errorReply('INTERNAL', `The frame could not be handled (request ${requestId}).`),
    );
    return { statusCode: 500 };
  }
}
