import { type EndType, type EventFrame, type EventOf, eventFrame } from '../../protocol/events.ts';
import { replyFrame } from '../../protocol/server-frames.ts';
import type { FrameOf, FrameType, Received, WsClient } from './ws-client.ts';

/** Words for what a client has received. */

export type EndFrame = EventOf<EndType>;

export const isEvent = (frame: Received): frame is EventFrame => 'seq' in frame;
export const isEnd = (frame: Received): frame is EndFrame => isEvent(frame) && 'full_response' in frame;

export const framesOf = <T extends FrameType>(client: WsClient, type: T): FrameOf<T>[] =>
  client.frames.filter((frame): frame is FrameOf<T> => frame.type === type);

/** Each event once and in order, as a client that drops what it has sees them. */
export const eventsOf = (client: WsClient): EventFrame[] => {
  const bySeq = new Map(client.frames.filter(isEvent).map((event) => [event.seq, event]));
  return [...bySeq.values()].sort((a, b) => a.seq - b.seq);
};

export const endsOf = (client: WsClient): EndFrame[] =>
  eventsOf(client).filter((frame): frame is EventFrame & EndFrame => isEnd(frame));

export const appliedIds = (client: WsClient): string[] =>
  eventsOf(client).flatMap((event) => (event.type === 'applied' ? event.messages.map(({ id }) => id) : []));

/** The first `accepted` for this message, received already or still to come. */
export const accepted = (client: WsClient, id: string): Promise<FrameOf<'accepted'>> =>
  client.waitFor((frame): frame is FrameOf<'accepted'> => frame.type === 'accepted' && frame.id === id);

/** The first error that answers a frame, of this code. */
export const refused = (client: WsClient, code: string): Promise<FrameOf<'error'>> =>
  client.waitFor(
    (frame): frame is FrameOf<'error'> => frame.type === 'error' && !isEvent(frame) && frame.code === code,
  );

/** The first `cancelled` that names this message. */
export const cancelled = (client: WsClient, id: string): Promise<FrameOf<'cancelled'>> =>
  client.waitFor(
    (frame): frame is FrameOf<'cancelled'> => frame.type === 'cancelled' && frame.ids.includes(id),
  );

/** The first `NOT_PENDING` about this message. */
export const notPending = (client: WsClient, id: string): Promise<FrameOf<'error'>> =>
  client.waitFor(
    (frame): frame is FrameOf<'error'> =>
      frame.type === 'error' && frame.code === 'NOT_PENDING' && 'id' in frame && frame.id === id,
  );

/** The chunk with which this text has been seen to its last character. */
export const chunk = (client: WsClient, content: string): Promise<FrameOf<'chunk'>> =>
  client.waitFor((frame): frame is FrameOf<'chunk'> => frame.type === 'chunk' && frame.content === content);

/** The end of the n-th turn that this client has seen end, from 1. */
export const end = (client: WsClient, n = 1): Promise<EndFrame> =>
  client
    .waitFor((frame) => isEnd(frame) && endsOf(client).length >= n)
    .then(() => endsOf(client)[n - 1] as EndFrame);

/** What a frame breaks of the protocol's schemas; undefined for none. */
export function schemaError(frame: Received): string | undefined {
  // What API Gateway itself says has no type.
  if (frame.type === undefined) return undefined;
  const { error } = (isEvent(frame) ? eventFrame : replyFrame).safeParse(frame);
  return error && `${JSON.stringify(frame).slice(0, 500)}: ${error.message}`;
}
