import {
  APICallError,
  InvalidPromptError,
  InvalidResponseDataError,
  JSONParseError,
  LoadAPIKeyError,
  LoadSettingError,
  MissingToolResultsError,
  NoOutputGeneratedError,
  StreamProviderError,
  TypeValidationError,
  UnsupportedFunctionalityError,
} from 'ai';
import { type Milliseconds, milliseconds } from '../../config/units.ts';
import type { ModelFailure } from '../../core/model.ts';
import type { FailureReason } from '../../protocol/errors.ts';
import { shortened } from '../../protocol/text.ts';
import { redact } from './redact.ts';

type Verdict = Omit<ModelFailure, 'diagnostic'>;

const MAX_BODY_LENGTH = 500;
const MAX_DIAGNOSTIC_LENGTH = 2000;
const MAX_CAUSES = 5;

/** The stream ended without a finish reason. */
export const CUT_OFF: Verdict = {
  code: 'PROVIDER_ERROR',
  reason: 'cut_off',
  message: 'The connection to the model broke in the middle of its answer.',
  retryable: true,
};

export const EMPTY: Verdict = {
  code: 'PROVIDER_ERROR',
  reason: 'empty',
  message: 'The model gave an empty answer.',
  retryable: true,
};

/** A filter withheld the whole answer. A retry with the same prompt would be withheld too. */
export const WITHHELD: Verdict = {
  code: 'PROVIDER_ERROR',
  reason: 'withheld',
  message: "The model's answer was withheld by its provider's content filter.",
  retryable: false,
};

/** The model tried to call a tool, and its provider threw the call away. The next try is often right. */
export const UNREADABLE_CALL: Verdict = {
  code: 'PROVIDER_ERROR',
  reason: 'unreadable',
  message: 'The model wrote a tool call that could not be read.',
  retryable: true,
};

/** The window had no room for an answer. */
export const WINDOW_FULL: Verdict = {
  code: 'PROVIDER_ERROR',
  reason: 'overlong',
  message: 'The conversation leaves the model no room for an answer.',
  retryable: false,
};

/** All the tokens of an answer went into what the model thought. A retry would cost as much, and end in the same way. */
export const USED_UP: Verdict = {
  code: 'PROVIDER_ERROR',
  reason: 'empty',
  message: 'The model reached its limit of tokens before it answered.',
  retryable: false,
};

const UNREACHABLE: Verdict = {
  code: 'PROVIDER_ERROR',
  reason: 'unreachable',
  message: 'The model provider could not be reached.',
  retryable: true,
};
const UNREADABLE: Verdict = {
  code: 'PROVIDER_ERROR',
  reason: 'unreadable',
  message: 'The model provider sent an answer that could not be read.',
  retryable: true,
};
const NO_CREDENTIALS: Verdict = {
  code: 'AUTH_ERROR',
  reason: 'unauthorised',
  message: 'No credentials for the model provider are configured.',
  retryable: false,
};
const UNSENDABLE: Verdict = {
  code: 'PROVIDER_ERROR',
  reason: 'rejected',
  message: 'The conversation could not be put into a form that the model takes.',
  retryable: false,
};
const UNKNOWN: Verdict = {
  code: 'PROVIDER_ERROR',
  reason: 'unknown',
  message: 'The model call failed.',
  retryable: false,
};

/**
 * Converts an error of a model call: the verdict for the turn and the user, the details for the log, both without
 * secrets.
 */
export function toFailure(error: unknown, secrets: Iterable<string>): ModelFailure {
  const retryAfterMs = APICallError.isInstance(error) ? pauseOf(error) : undefined;
  return {
    ...judge(error),
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    diagnostic: describe(error, secrets),
  };
}

/**
 * `retry-after-ms` (OpenAI, Azure), `x-amz-retry-after` in milliseconds (AWS, whose own clients read it), `retry-after` in
 * seconds or as a date (RFC 9110, 10.2.3), or Google's `RetryInfo` in the answer (`google.rpc`, error details).
 */
function pauseOf({
  responseHeaders: headers = {},
  responseBody = '',
}: APICallError): Milliseconds | undefined {
  const exact = numberOf(headers['retry-after-ms'] ?? headers['x-amz-retry-after']);
  if (exact !== undefined) return milliseconds(exact);
  const after = headers['retry-after'];
  const whole = numberOf(after);
  if (whole !== undefined) return milliseconds(whole * 1000);
  const date = Date.parse(after ?? '');
  if (!Number.isNaN(date)) return milliseconds(Math.max(0, date - Date.now()));
  const told = numberOf(/"retryDelay":\s*"([\d.]+)s"/.exec(responseBody)?.[1]);
  return told === undefined ? undefined : milliseconds(told * 1000);
}

const numberOf = (text: string | undefined): number | undefined =>
  text !== undefined && /^\s*\d+(\.\d+)?\s*$/.test(text) ? Number(text) : undefined;

function judge(error: unknown): Verdict {
  if (APICallError.isInstance(error)) {
    const { statusCode, message, responseBody = '' } = error;
    if (statusCode === undefined) return UNREACHABLE;
    if (statusCode >= 400) {
      return verdictOf(kindOf(statusCode, `${message} ${responseBody}`), ` (HTTP ${statusCode})`);
    }
    // The answer had begun: its connection broke, or the provider sent something invalid.
    return isNetworkError(error) ? CUT_OFF : UNREADABLE;
  }
  if (StreamProviderError.isInstance(error))
    return verdictOf(kindInStream(error), ' in the middle of its answer');
  if (LoadAPIKeyError.isInstance(error) || LoadSettingError.isInstance(error) || lacksAwsCredentials(error)) {
    return NO_CREDENTIALS;
  }
  if (
    InvalidPromptError.isInstance(error) ||
    MissingToolResultsError.isInstance(error) ||
    UnsupportedFunctionalityError.isInstance(error)
  ) {
    return UNSENDABLE;
  }
  if (InvalidResponseDataError.isInstance(error) || NoOutputGeneratedError.isInstance(error)) return CUT_OFF;
  if (JSONParseError.isInstance(error) || TypeValidationError.isInstance(error)) return UNREADABLE;
  return ofEventStream(error) ?? (isNetworkError(error) ? CUT_OFF : UNKNOWN);
}

/** Classifies a provider's error by its status and message. */
type Kind =
  | Extract<
      FailureReason,
      | 'unauthorised'
      | 'throttled'
      | 'quota'
      | 'not_found'
      | 'provider'
      | 'overlong'
      | 'withheld'
      | 'rejected'
      | 'unknown'
    >
  | 'timeout';

/** Messages of OpenAI, Anthropic, Bedrock and compatible servers. */
const OVERLONG =
  /context[ _](?:length|size|window|limit)|(?:prompt|input|request) (?:is|was) too (?:long|large)|input token(?:s| count \(\d+\)) exceed/i;
const FILTERED = /content[ _](?:filter|management policy)|ResponsibleAIPolicy/i;

/** The account has no credit or quota left, whatever the status: Anthropic says 400, OpenAI 429, Bedrock 400. */
const NO_QUOTA =
  /insufficient_quota|exceeded your current quota|credit balance|exceeds the service quota|billing/i;
/**
 * Google's limits of a minute have the words of a spent quota: what is limited is named, `…PerMinute…`.
 * https://github.com/google-gemini/gemini-cli/issues/8437
 */
const OF_A_MINUTE = /quotaId[^,}]*PerMinute/;
const OF_A_DAY = /quotaId[^,}]*PerDay/;
/** Google answers 400 for a key that it does not know. */
const NO_KEY = /API_KEY_INVALID|API key (?:not valid|not found|expired)/i;
/** The model or the endpoint does not exist. Bedrock says 400. */
const NO_MODEL = /model_not_found|model identifier is invalid|on-demand throughput isn.t supported/i;
/**
 * A template or a router refuses the prompt's form, whatever the status: llama.cpp answers 500 for an exception of a template,
 * OpenRouter 404 if no provider of the model takes tools or images.
 */
const UNFIT = /roles must alternate|chat.?template|jinja|No endpoints found that support/i;

/**
 * Codes, types and words of a throttle that has no status. `RESOURCE_EXHAUSTED` is gRPC's name of 429 (google.rpc.Code), which
 * routers pass on; others say no more than the words of 429 (RFC 6585, 4).
 */
const THROTTLED = /(?<![a-z])rate.?limit|throttl|too.?many.?requests|resource.?exhausted/i;

function kindOf(status: number, words: string): Kind {
  if (status === 401 || status === 403 || (status === 400 && NO_KEY.test(words))) return 'unauthorised';
  if (status === 429 && OF_A_MINUTE.test(words) && !OF_A_DAY.test(words)) return 'throttled';
  if (status === 402 || (status < 500 && NO_QUOTA.test(words))) return 'quota';
  if (status === 429) return 'throttled';
  if (UNFIT.test(words)) return 'rejected';
  // Bedrock answers 424 for an error of the model that it calls.
  if (status >= 500 || status === 424) return 'provider';
  // The provider stopped waiting for the request.
  if (status === 408) return 'timeout';
  if (status === 413 || OVERLONG.test(words)) return 'overlong';
  if (FILTERED.test(words)) return 'withheld';
  if (status === 404 || status === 405 || status === 410 || NO_MODEL.test(words)) return 'not_found';
  // Only these are about the request's content.
  return status === 400 || status === 422 ? 'rejected' : 'unknown';
}

/** Errors inside a stream often have a type and no status. */
function kindInStream({ statusCode, type = '', code = '', message, data }: StreamProviderError): Kind {
  const words = `${type} ${code} ${message} ${JSON.stringify(data)}`;
  if (statusCode !== undefined) return kindOf(statusCode, words);
  if (/auth|permission|api_key/i.test(`${type} ${code}`)) return 'unauthorised';
  if (NO_QUOTA.test(words)) return 'quota';
  if (String(code) === '429' || THROTTLED.test(`${type} ${code} ${message}`)) return 'throttled';
  if (UNFIT.test(words)) return 'rejected';
  if (/invalid_request|validation/i.test(type)) return kindOf(400, words);
  if (OVERLONG.test(words)) return 'overlong';
  return 'provider';
}

/** Makes the verdict of a reason. `where` is appended to the message. */
function verdictOf(kind: Kind, where: string): Verdict {
  const code = 'PROVIDER_ERROR';
  switch (kind) {
    case 'unauthorised':
      return {
        code: 'AUTH_ERROR',
        reason: kind,
        message: `The model provider refused the credentials${where}.`,
        retryable: false,
      };
    case 'throttled':
      return {
        code,
        reason: kind,
        message: `The model provider is limiting requests${where}.`,
        retryable: true,
      };
    case 'quota':
      return {
        code,
        reason: kind,
        message: `The account at the model provider has no quota or credit left${where}.`,
        retryable: false,
      };
    case 'not_found':
      return {
        code,
        reason: kind,
        message: `The model provider does not have this model or address${where}.`,
        retryable: false,
      };
    case 'unknown':
      return { code, reason: kind, message: `The model call failed${where}.`, retryable: false };
    case 'provider':
      return { code, reason: kind, message: `The model provider has a problem${where}.`, retryable: true };
    case 'timeout':
      return {
        code,
        reason: 'provider',
        message: `The model provider gave up on the request${where}.`,
        retryable: true,
      };
    case 'overlong':
      return {
        code,
        reason: kind,
        message: `The conversation is longer than the model can take${where}.`,
        retryable: false,
      };
    case 'withheld':
      return {
        code,
        reason: kind,
        message: `The request was refused by the model provider's content filter${where}.`,
        retryable: false,
      };
    case 'rejected':
      return {
        code,
        reason: kind,
        message: `The model provider rejected the request${where}.`,
        retryable: false,
      };
  }
}

/**
 * Classifies errors of the decoder of Bedrock's event stream, which throws plain errors for an incomplete frame or a
 * wrong checksum.
 */
function ofEventStream(error: unknown): Verdict | undefined {
  if (!(error instanceof Error)) return undefined;
  if (/^Incomplete Amazon Bedrock event-stream frame/.test(error.message)) return CUT_OFF;
  return /checksum/.test(error.message) ? UNREADABLE : undefined;
}

/** The Bedrock provider signs requests in its `fetch`, which throws a plain error if it has no credentials. */
function lacksAwsCredentials(error: unknown): boolean {
  return error instanceof Error && /^AWS .*credential/.test(error.message);
}

/** `fetch` throws while a body is read: a system error is somewhere in the chain of causes. */
function isNetworkError(error: unknown): boolean {
  return causes(error).some(
    (cause) =>
      'code' in cause && typeof cause.code === 'string' && /^(E[A-Z]+|UND_ERR_\w+)$/.test(cause.code),
  );
}

/** Describes status, URL and the provider's message. Leaves out the request, which contains the conversation. */
function describe(error: unknown, secrets: Iterable<string>): string {
  const lines = causes(error).map((cause) => {
    const quotes = JSONParseError.isInstance(cause) || TypeValidationError.isInstance(cause);
    // The messages of these two errors quote their whole input, which is the model's text.
    const facts = [quotes || cause instanceof SyntaxError ? cause.name : `${cause.name}: ${cause.message}`];
    if (APICallError.isInstance(cause)) {
      facts.push(`status ${cause.statusCode ?? 'none'}`, `url ${cause.url}`);
      if (cause.responseBody) facts.push(`body ${shortened(cause.responseBody, MAX_BODY_LENGTH)}`);
    }
    if (StreamProviderError.isInstance(cause)) {
      facts.push(`type ${cause.type ?? 'none'}`, `code ${cause.code ?? 'none'}`);
    }
    return facts.join(', ');
  });
  // A provider's error chunk can be any JSON value.
  const text = lines.length > 0 ? lines.join('; caused by ') : `not an error: ${JSON.stringify(error)}`;
  return shortened(redact(text, secrets), MAX_DIAGNOSTIC_LENGTH);
}

function causes(error: unknown): Error[] {
  const chain: Error[] = [];
  let cause = error;
  while (cause instanceof Error && chain.length < MAX_CAUSES) {
    chain.push(cause);
    cause = cause.cause;
  }
  return chain;
}
