import type { LaneId } from './ids.ts';
import type { Json } from './json.ts';
import type { Caller } from './model.ts';
import type { Connection } from './store/items.ts';

/** What is stored of a message beside its content: who sent it, and its options. */
export type MessageContext = Partial<Pick<Caller, 'claims' | 'options' | 'locale' | 'timeZone'>> & {
  /** Of several agents, the one that its connection asked for. */
  agent?: string;
  /** The application has sent it, and no person. */
  from?: 'system';
  /** The lane of its sender, if the token of the sender's connection is kept. */
  tokenLane?: LaneId;
};

/** Where a message comes from: what holds for all messages from there. */
export type Origin = Pick<Connection, 'claims' | 'options' | 'locale' | 'timeZone' | 'agent'> &
  Pick<MessageContext, 'from'> &
  Partial<Pick<Connection, 'lane' | 'keepsToken'>>;

/**
 * The context of a message as JSON text, since DynamoDB does not hold every JSON value. The message's options replace those of
 * its connection as a whole.
 *
 * @param options of the message itself
 * @returns undefined if there is nothing to say
 */
export function contextOf(
  { claims, options: defaults, locale, timeZone, agent, from, lane, keepsToken }: Origin,
  options: Readonly<Record<string, unknown>> | undefined,
): string | undefined {
  // A frame is JSON.
  const chosen = (options as Json | undefined) ?? (defaults === undefined ? undefined : JSON.parse(defaults));
  const context: MessageContext = {
    ...(claims !== undefined && { claims: JSON.parse(claims) }),
    ...(chosen !== undefined && { options: chosen }),
    ...(locale !== undefined && { locale }),
    ...(timeZone !== undefined && { timeZone }),
    ...(agent !== undefined && { agent }),
    ...(from !== undefined && { from }),
    ...(keepsToken && lane !== undefined && { tokenLane: lane }),
  };
  return Object.keys(context).length > 0 ? JSON.stringify(context) : undefined;
}

/** What `contextOf` made. */
export const parseContext = (text: string | undefined): MessageContext =>
  text === undefined ? {} : JSON.parse(text);
