import { changeItem, isAskedAs } from './items.ts';
import type { EventOf, HistoryEntry } from './protocol.ts';
import type { Item, Source, TurnOutcome } from './state.ts';

/** An event that the transcript has too. */
export type NotedEvent = Extract<HistoryEntry, { role: 'event' }>['event'];

/** Adds to the items what this event shows, live or from the transcript. */
export function addNote(items: Item[], event: NotedEvent): void {
  const head = { key: `e${event.seq}`, turnId: event.turn_id };
  switch (event.type) {
    case 'approval_request':
      items.push({
        kind: 'approval',
        ...head,
        requestId: event.request_id,
        tool: event.tool,
        summary: event.arguments_summary,
        arguments: event.arguments,
        offersAlways: event.always !== false,
        timeoutSeconds: event.timeout_secs,
        askedAt: event.at,
        toolCallId: event.tool_call_id,
        decision: undefined,
        resolved: undefined,
      });
      break;
    case 'approval_resolved': {
      const { request_id, decision, reason, by } = event;
      changeItem(items, 'approval', isAskedAs(request_id), (item) => ({
        ...item,
        decision,
        resolved: { reason, by },
      }));
      break;
    }
    case 'history_trimmed': {
      const { dropped_messages: droppedMessages, reason, form } = event;
      items.push({ kind: 'trimmed', ...head, droppedMessages, reason, form });
      break;
    }
    case 'model_changed': {
      const { type: kind, model, provider, fallback_from: from, reason } = event;
      items.push({ kind, ...head, model, provider, from, reason });
      break;
    }
    case 'compacted': {
      const { type: kind, to_entry: toEntry } = event;
      items.push({ kind, ...head, toEntry });
      break;
    }
    case 'source': {
      const last = items[items.length - 1];
      const source = sourceOf(event);
      if (last?.kind === 'sources' && last.turnId === head.turnId)
        items[items.length - 1] = { ...last, sources: [...last.sources, source] };
      else items.push({ kind: 'sources', ...head, sources: [source] });
      break;
    }
    case 'file': {
      const { media_type: mediaType, bytes, data, omitted } = event;
      items.push({ kind: 'file', ...head, mediaType, bytes, data, omitted });
      break;
    }
    case 'data': {
      const { type: kind, name, id, data, tool_call_id: toolCallId } = event;
      const { turnId } = head;
      const at = items.findLastIndex(
        (item) => item.kind === kind && item.turnId === turnId && item.name === name && item.id === id,
      );
      const key = items[at]?.key ?? head.key;
      items[at < 0 ? items.length : at] = { kind, key, turnId, name, id, data, toolCallId };
      break;
    }
    case 'done':
    case 'aborted':
    case 'error':
      items.push({ kind: 'turn_end', ...head, outcome: outcomeOf(event) });
      break;
    default:
      // Each event that is known has a case above. What a newer server notes beside them is not shown.
      event satisfies never;
  }
}

export function sourceOf(event: EventOf<'source'>): Source {
  const { source_id: id, url, title, media_type: mediaType = 'application/octet-stream', filename } = event;
  return event.source_type === 'url' && url !== undefined
    ? { id, type: 'url', url, title }
    : { id, type: 'document', mediaType, title: title ?? filename ?? url ?? '', filename };
}

function outcomeOf(event: Extract<NotedEvent, { type: 'done' | 'aborted' | 'error' }>): TurnOutcome {
  switch (event.type) {
    case 'done':
      return {
        result: 'done',
        output: event.output,
        usage: {
          inputTokens: event.input_tokens,
          outputTokens: event.output_tokens,
          cacheReadTokens: event.cache_read_tokens,
          cacheWriteTokens: event.cache_write_tokens,
          reasoningTokens: event.reasoning_tokens,
          cost: event.cost,
          currency: event.currency,
          model: event.model,
          provider: event.provider,
          steps: event.steps,
          cached: event.cached === true,
          finishReason: event.finish_reason,
        },
      };
    case 'aborted':
      return { result: 'aborted', by: event.by };
    case 'error':
      return {
        result: 'failed',
        code: event.code,
        message: event.message,
        retryable: event.retryable,
        until: event.until,
      };
  }
}
