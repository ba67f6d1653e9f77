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
} from 'ai';
import type { ModelFailure } from '../../core/model.ts';
import { redact } from './redact.ts';

type Verdict = Omit<ModelFailure, 'diagnostic'>;

const MAX_BODY_LENGTH = 500;
const MAX_DIAGNOSTIC_LENGTH = 2000;
const MAX_CAUSES = 5;

/** The stream ended without saying that it was complete. */
export const CUT_OFF: Verdict = {
  code: 'PROVIDER_ERROR',
  message: 'The connection to the model broke in the middle of its answer.',
  retryable: true,
};

export const EMPTY: Verdict = {
  code: 'PROVIDER_ERROR',
  message: 'The model gave an empty answer.',
  retryable: true,
};

/** Nothing said, because a filter held it back: the same prompt would be answered so again. */
export const WITHHELD: Verdict = {
  code: 'PROVIDER_ERROR',
  message: "The model's answer was withheld by its provider's content filter.",
  retryable: false,
};

/** What a model call failed of: the verdict for the turn and the user, the details for the log, both without secrets. */
export function toFailure(error: unknown, secrets: readonly string[]): ModelFailure {
  return { ...judge(error), diagnostic: describe(error, secrets) };
}

function judge(error: unknown): Verdict {
  if (APICallError.isInstance(error)) {
    if (error.statusCode === undefined) return UNREACHABLE;
    if (error.statusCode >= 400) return ofStatus(error.statusCode);
    // The answer had begun: either its connection broke, or it is not what the provider should send.
    return isNetworkError(error) ? CUT_OFF : UNREADABLE;
  }
  if (StreamProviderError.isInstance(error)) {
    return error.statusCode === undefined ? ofErrorType(error.type ?? '') : ofStatus(error.statusCode);
  }
  if (LoadAPIKeyError.isInstance(error) || LoadSettingError.isInstance(error) || lacksAwsCredentials(error)) {
    return NO_CREDENTIALS;
  }
  if (InvalidPromptError.isInstance(error) || MissingToolResultsError.isInstance(error)) return UNSENDABLE;
  if (InvalidResponseDataError.isInstance(error) || NoOutputGeneratedError.isInstance(error)) return CUT_OFF;
  if (JSONParseError.isInstance(error) || TypeValidationError.isInstance(error)) return UNREADABLE;
  return isNetworkError(error) ? CUT_OFF : UNKNOWN;
}

const UNREACHABLE: Verdict = {
  code: 'PROVIDER_ERROR',
  message: 'The model provider could not be reached.',
  retryable: true,
};
const UNREADABLE: Verdict = {
  code: 'PROVIDER_ERROR',
  message: 'The model provider sent an answer that could not be read.',
  retryable: true,
};
const NO_CREDENTIALS: Verdict = {
  code: 'AUTH_ERROR',
  message: 'No credentials for the model provider are configured.',
  retryable: false,
};
const UNSENDABLE: Verdict = {
  code: 'PROVIDER_ERROR',
  message: 'The conversation could not be put into a form that the model takes.',
  retryable: false,
};
const UNKNOWN: Verdict = { code: 'PROVIDER_ERROR', message: 'The model call failed.', retryable: false };

function ofStatus(status: number): Verdict {
  if (status === 401 || status === 403) {
    return {
      code: 'AUTH_ERROR',
      message: `The model provider refused the credentials (HTTP ${status}).`,
      retryable: false,
    };
  }
  const code = 'PROVIDER_ERROR';
  if (status === 429) {
    return { code, message: `The model provider is limiting requests (HTTP ${status}).`, retryable: true };
  }
  if (status >= 500) {
    return { code, message: `The model provider has a problem (HTTP ${status}).`, retryable: true };
  }
  // 408: the provider gave up waiting for the request; the one refusal of this range that is not about its content.
  return {
    code,
    message: `The model provider rejected the request (HTTP ${status}).`,
    retryable: status === 408,
  };
}

/** Errors inside a stream often carry a type and no status. */
function ofErrorType(type: string): Verdict {
  if (/auth|permission/i.test(type)) {
    return { code: 'AUTH_ERROR', message: 'The model provider refused the credentials.', retryable: false };
  }
  return {
    code: 'PROVIDER_ERROR',
    message: 'The model provider reported an error in the middle of its answer.',
    retryable: !/invalid_request|validation/i.test(type),
  };
}

/** The Bedrock provider signs requests in its `fetch`, and says that it cannot in a plain error. */
function lacksAwsCredentials(error: unknown): boolean {
  return error instanceof Error && /^AWS .*credential/.test(error.message);
}

/** What `fetch` throws while it reads a body: the reason is a system error somewhere in the chain of causes. */
function isNetworkError(error: unknown): boolean {
  return causes(error).some(
    (cause) =>
      'code' in cause && typeof cause.code === 'string' && /^(E[A-Z]+|UND_ERR_\w+)$/.test(cause.code),
  );
}

/** Status, URL and what the provider said; not the request, which holds the conversation. */
function describe(error: unknown, secrets: readonly string[]): string {
  const lines = causes(error).map((cause) => {
    const facts = [`${cause.name}: ${cause.message}`];
    if (APICallError.isInstance(cause)) {
      facts.push(`status ${cause.statusCode ?? 'none'}`, `url ${cause.url}`);
      if (cause.responseBody) facts.push(`body ${cause.responseBody.slice(0, MAX_BODY_LENGTH)}`);
    }
    if (StreamProviderError.isInstance(cause)) {
      facts.push(`type ${cause.type ?? 'none'}`, `code ${cause.code ?? 'none'}`);
    }
    return facts.join(', ');
  });
  // A provider's error chunk can be any JSON value.
  const text = lines.length > 0 ? lines.join('; caused by ') : `not an error: ${JSON.stringify(error)}`;
  return redact(text, secrets).slice(0, MAX_DIAGNOSTIC_LENGTH);
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
