import type { EpochSeconds } from '../../config/units.ts';
import type { Json } from '../json.ts';
import type { Verbatim } from '../model.ts';
import type { StoredEntry } from '../store/items.ts';
import type { Entry } from './entries.ts';
import { decodeEvent, encodeEvent } from './events.ts';

/**
 * An entry as the table has it: what a tool was given and gave, an event, and what is a provider's own, is JSON text.
 *
 * @param first number of the turn's first entry, by which a reader sees whether the turn is whole
 */
export function storedEntry(
  entry: Entry,
  { first, expires }: { first: number; expires: EpochSeconds },
): StoredEntry {
  switch (entry.role) {
    case 'assistant': {
      const { verbatim, ...rest } = entry;
      return { ...rest, ...verbatimJson(verbatim), first, expires };
    }
    case 'tool_call': {
      const { args, verbatim, ...rest } = entry;
      return { ...rest, args_json: JSON.stringify(args), ...verbatimJson(verbatim), first, expires };
    }
    case 'tool_result': {
      const { output, shown, verbatim, ...rest } = entry;
      const shownJson = shown === undefined ? {} : { shown_json: JSON.stringify(shown) };
      return {
        ...rest,
        output_json: JSON.stringify(output),
        ...shownJson,
        ...verbatimJson(verbatim),
        first,
        expires,
      };
    }
    case 'event': {
      const { event, ...rest } = entry;
      return { ...rest, event_json: encodeEvent(event), first, expires };
    }
    default:
      return { ...entry, first, expires };
  }
}

/** The entry that the table has, in the form of this version or an earlier one. */
export function entryOf({ expires: _, first: __, ...stored }: StoredEntry): Entry {
  switch (stored.role) {
    case 'assistant': {
      const { verbatim_json, ...rest } = stored;
      return { ...rest, ...verbatimOf(verbatim_json) };
    }
    case 'tool_call': {
      const { args_json, args, verbatim_json, ...rest } = stored;
      return {
        ...rest,
        args: args_json === undefined ? args : parse(args_json),
        ...verbatimOf(verbatim_json),
      };
    }
    case 'tool_result': {
      const { output_json, output, shown_json, verbatim_json, ...rest } = stored;
      return {
        ...rest,
        output: output_json === undefined ? output : parse(output_json),
        ...(shown_json !== undefined && { shown: parse(shown_json) }),
        ...verbatimOf(verbatim_json),
      };
    }
    case 'event': {
      const { event_json, ...rest } = stored;
      return { ...rest, event: decodeEvent(event_json) };
    }
    default:
      return stored;
  }
}

const verbatimJson = (verbatim: Verbatim | undefined): { verbatim_json?: string } =>
  verbatim ? { verbatim_json: JSON.stringify(verbatim) } : {};

const verbatimOf = (text: string | undefined): { verbatim?: Verbatim } =>
  text === undefined ? {} : { verbatim: JSON.parse(text) };

// Written by `storedEntry`.
const parse = (text: string): Json => JSON.parse(text);
