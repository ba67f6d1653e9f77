import type { ClientFrame, ClientFrameType } from '../../protocol/client-frames.ts';
import { CLIENT_FRAMES } from '../../protocol/client-frames.ts';
import { ID_PATTERN } from '../../protocol/ids.ts';
import { MAX_FRAME_LEVELS, MAX_OPTIONS_BYTES } from '../../protocol/limits.ts';
import type { ErrorReply } from '../../protocol/server-frames.ts';
import { wellFormed } from '../../protocol/text.ts';
import { isLocale, isTimeZone } from '../intl.ts';
import { bytesOfJson, levelsOf } from '../json-bytes.ts';
import { errorReply } from '../replies.ts';
import { nearestIssue } from './nearest-issue.ts';

type Parsed = { ok: true; frame: ClientFrame } | { ok: false; error: ErrorReply };

/** Reads a frame of a client, or says why it is none. */
export function parseFrame(body: string): Parsed {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    return refused(errorReply('INVALID_JSON', 'The frame is not JSON.'));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return refused(errorReply('INVALID_JSON', 'The frame is not a JSON object.'));
  }
  const { type, id, request_id } = value as { type?: unknown; id?: unknown; request_id?: unknown };
  const about = idAmong(id, request_id);
  if (typeof type !== 'string' || !Object.hasOwn(CLIENT_FRAMES, type)) {
    const known = Object.keys(CLIENT_FRAMES).join(', ');
    return refused(errorReply('UNKNOWN_MESSAGE_TYPE', `The frame's "type" must be one of: ${known}.`, about));
  }
  const depth = tooDeep(body);
  if (depth !== undefined) return refused(errorReply('INVALID_FRAME', depth, about));
  const checked = CLIENT_FRAMES[type as ClientFrameType].safeParse(wellFormed<unknown>(value));
  if (checked.success) return withinLimits(checked.data, about);
  const issue = checked.error.issues[0] && nearestIssue(checked.error.issues[0], value);
  const field = issue?.path.join('.') || 'frame';
  return refused(
    errorReply(
      'INVALID_FRAME',
      `The field "${field}" is not valid: ${issue?.message ?? 'see the protocol'}.`,
      about,
    ),
  );
}

/** Why JSON text has more levels than its readers' stacks hold. */
export function tooDeep(body: string): string | undefined {
  const levels = levelsOf(body);
  if (levels <= MAX_FRAME_LEVELS) return undefined;
  return `The frame has objects and arrays in ${levels} levels; at most ${MAX_FRAME_LEVELS} are accepted.`;
}

/** The id that an error about a frame carries, of which nothing is known but that it is a JSON object. */
function idAmong(...values: readonly unknown[]): { id?: string } {
  const id = values.find((value) => typeof value === 'string' && ID_PATTERN.test(value));
  return typeof id === 'string' ? { id } : {};
}

/** What the form of a frame does not say: options are stored with each message, and not every name is one of a place. */
function withinLimits(frame: ClientFrame, about: { id?: string }): Parsed {
  const { options, locale, time_zone } = {
    options: undefined,
    locale: undefined,
    time_zone: undefined,
    ...frame,
  };
  const bytes = options === undefined ? 0 : bytesOfJson(options);
  if (bytes > MAX_OPTIONS_BYTES) {
    const text = `The options have ${bytes} bytes as JSON; at most ${MAX_OPTIONS_BYTES} are accepted.`;
    return refused(
      errorReply('MESSAGE_TOO_LARGE', text, {
        ...about,
        limit: MAX_OPTIONS_BYTES,
        depth: bytes,
        path: 'options',
      }),
    );
  }
  if (locale !== undefined && !isLocale(locale)) return unknownPlace('locale', 'language tag of BCP 47');
  if (time_zone !== undefined && !isTimeZone(time_zone))
    return unknownPlace('time_zone', 'time zone of the IANA data base');
  return { ok: true, frame };
}

const unknownPlace = (field: string, of: string): Parsed =>
  refused(errorReply('INVALID_FRAME', `The field "${field}" is not valid: it must be a ${of}.`));

const refused = (error: ErrorReply): Parsed => ({ ok: false, error });
