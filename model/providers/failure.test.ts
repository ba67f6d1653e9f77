import {
  APICallError,
  InvalidPromptError,
  JSONParseError,
  LoadAPIKeyError,
  NoOutputGeneratedError,
  StreamProviderError,
} from 'ai';
import { describe, expect, test } from 'vitest';
import { toFailure } from './failure.ts';

const refusal = (statusCode: number, responseBody: string) =>
  new APICallError({
    message: 'no',
    url: 'https://provider/',
    requestBodyValues: {},
    statusCode,
    responseBody,
  });

const inStream = (fields: Partial<ConstructorParameters<typeof StreamProviderError>[0]>) =>
  new StreamProviderError({ message: 'no', data: {}, ...fields });

const verdict = (error: unknown) => {
  const { code, reason, retryable } = toFailure(error, []);
  return [code, reason, retryable];
};

describe('a refusal before the answer', () => {
  test.each([
    [401, 'invalid x-api-key', 'AUTH_ERROR', 'unauthorised', false],
    [403, 'You do not have access to the model.', 'AUTH_ERROR', 'unauthorised', false],
    [429, 'Too many tokens, please wait before trying again.', 'PROVIDER_ERROR', 'throttled', true],
    [500, 'Internal server error', 'PROVIDER_ERROR', 'provider', true],
    [529, 'Overloaded', 'PROVIDER_ERROR', 'provider', true],
    [424, 'The model could not be run.', 'PROVIDER_ERROR', 'provider', true],
    [408, 'Model took too long', 'PROVIDER_ERROR', 'provider', true],
    [400, 'prompt is too long: 208310 tokens > 200000 maximum', 'PROVIDER_ERROR', 'overlong', false],
    [
      400,
      'input length and `max_tokens` exceed context limit: 2 + 1 > 2',
      'PROVIDER_ERROR',
      'overlong',
      false,
    ],
    [400, 'Input is too long for requested model.', 'PROVIDER_ERROR', 'overlong', false],
    [400, '{"error":{"code":"context_length_exceeded"}}', 'PROVIDER_ERROR', 'overlong', false],
    [400, 'the request exceeds the available context size', 'PROVIDER_ERROR', 'overlong', false],
    [413, 'Request exceeds the maximum size', 'PROVIDER_ERROR', 'overlong', false],
    [400, '{"error":{"code":"content_filter"}}', 'PROVIDER_ERROR', 'withheld', false],
    [400, 'Output blocked by content filtering policy', 'PROVIDER_ERROR', 'withheld', false],
    [400, 'messages: roles must alternate', 'PROVIDER_ERROR', 'rejected', false],
    [422, 'messages must alternate', 'PROVIDER_ERROR', 'rejected', false],
    [500, 'Conversation roles must alternate user/assistant', 'PROVIDER_ERROR', 'rejected', false],
    [404, 'No endpoints found that support tool use.', 'PROVIDER_ERROR', 'rejected', false],
    [404, 'model not found', 'PROVIDER_ERROR', 'not_found', false],
    [400, 'The provided model identifier is invalid.', 'PROVIDER_ERROR', 'not_found', false],
    [429, '{"error":{"code":"insufficient_quota"}}', 'PROVIDER_ERROR', 'quota', false],
    [402, 'Insufficient Balance', 'PROVIDER_ERROR', 'quota', false],
    [400, 'Your credit balance is too low', 'PROVIDER_ERROR', 'quota', false],
    [409, 'conflict', 'PROVIDER_ERROR', 'unknown', false],
    [400, '{"details":[{"reason":"API_KEY_INVALID"}]}', 'AUTH_ERROR', 'unauthorised', false],
    [
      400,
      'The input token count (3) exceeds the maximum number of tokens',
      'PROVIDER_ERROR',
      'overlong',
      false,
    ],
    [
      429,
      'You exceeded your current quota, please check your plan. "quotaId":"RequestsPerMinutePerProject"',
      'PROVIDER_ERROR',
      'throttled',
      true,
    ],
    [
      429,
      'You exceeded your current quota. "quotaId":"RequestsPerMinute"},{"quotaId":"RequestsPerDay"',
      'PROVIDER_ERROR',
      'quota',
      false,
    ],
  ])('%i "%s" is %s, %s, retryable: %s', (status, body, ...expected) => {
    expect(verdict(refusal(status, body))).toEqual(expected);
    expect(toFailure(refusal(status, body), []).message).toContain(`(HTTP ${status})`);
  });
});

describe('an error inside the answer', () => {
  test.each([
    ['throttling by its status', { statusCode: 429, type: 'throttlingException' }, 'throttled', true],
    ['throttling by its code alone', { type: 'requests', code: 'rate_limit_exceeded' }, 'throttled', true],
    ['throttling by the type of Anthropic', { type: 'rate_limit_error' }, 'throttled', true],
    ['throttling by the type of Bedrock', { type: 'throttlingException' }, 'throttled', true],
    ['throttling by the name of the status 429', { type: 'too_many_requests' }, 'throttled', true],
    ['throttling by the status of Google', { code: 'RESOURCE_EXHAUSTED' }, 'throttled', true],
    ['throttling by a code that is the status', { code: '429' }, 'throttled', true],
    ['throttling by its words alone', { message: 'Rate limit exceeded, slow down' }, 'throttled', true],
    [
      'a spent quota whose type says throttling',
      { type: 'rate_limit_error', message: 'credit balance' },
      'quota',
      false,
    ],
    ['an overloaded provider', { statusCode: 529, type: 'overloaded_error' }, 'provider', true],
    ['an error of the model', { statusCode: 424, type: 'modelStreamErrorException' }, 'provider', true],
    ['an error of no known type', { type: 'server_error' }, 'provider', true],
    ['an error without a type', {}, 'provider', true],
    ['an invalid request', { type: 'invalid_request_error' }, 'rejected', false],
    [
      'an overlong prompt',
      { type: 'invalid_request_error', message: 'prompt is too long' },
      'overlong',
      false,
    ],
    ['a failed response that was too long', { code: 'context_length_exceeded' }, 'overlong', false],
    [
      'a limit of the minute',
      { statusCode: 429, message: 'quota exceeded', data: { details: [{ quotaId: 'RequestsPerMinute' }] } },
      'throttled',
      true,
    ],
  ] as const)('%s', (_what, fields, reason, retryable) => {
    expect(verdict(inStream(fields))).toEqual(['PROVIDER_ERROR', reason, retryable]);
  });

  test('refused credentials', () => {
    expect(verdict(inStream({ type: 'authentication_error' }))).toEqual([
      'AUTH_ERROR',
      'unauthorised',
      false,
    ]);
  });

  test('is told from a refusal in what a person reads', () => {
    expect(toFailure(inStream({ statusCode: 429 }), []).message).toBe(
      'The model provider is limiting requests in the middle of its answer.',
    );
  });
});

test('the pause that Google asks for in its answer is heeded', () => {
  const body =
    '{"error":{"details":[{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34.5s"}]}}';
  expect(toFailure(refusal(429, body), []).retryAfterMs).toBe(34_500);
  expect(toFailure(refusal(429, '{}'), []).retryAfterMs).toBeUndefined();
});

describe('a failure without an answer to read', () => {
  const network = Object.assign(new Error('other side closed'), { code: 'UND_ERR_SOCKET' });
  test.each([
    [
      'no connection',
      new APICallError({ message: 'Cannot connect', url: 'https://provider/', requestBodyValues: {} }),
      'unreachable',
      true,
    ],
    ['a connection that broke', new TypeError('terminated', { cause: network }), 'cut_off', true],
    [
      'a binary frame that is half there',
      new Error('Incomplete Amazon Bedrock event-stream frame: 8 buffered bytes remain at end of stream.'),
      'cut_off',
      true,
    ],
    [
      'a binary frame with a wrong checksum',
      new Error('The message checksum (1) did not match the calculated value of 2'),
      'unreadable',
      true,
    ],
    ['a stream with nothing in it', new NoOutputGeneratedError({ message: 'none' }), 'cut_off', true],
    ['text that is no JSON', new JSONParseError({ text: '{', cause: 'x' }), 'unreadable', true],
    ['a prompt of the wrong form', new InvalidPromptError({ prompt: 1, message: 'no' }), 'rejected', false],
    ['a bug', new TypeError('x is not a function'), 'unknown', false],
  ])('%s', (_what, error, reason, retryable) => {
    expect(verdict(error)).toEqual(['PROVIDER_ERROR', reason, retryable]);
  });

  test.each([
    ['no key', new LoadAPIKeyError({ message: 'API key is missing' })],
    ['no AWS credentials', new Error('AWS SigV4 authentication requires AWS credentials.')],
  ])('%s', (_what, error) => {
    expect(verdict(error)).toEqual(['AUTH_ERROR', 'unauthorised', false]);
  });
});
