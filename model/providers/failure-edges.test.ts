import {
  APICallError,
  InvalidResponseDataError,
  JSONParseError,
  LoadSettingError,
  MissingToolResultsError,
  StreamProviderError,
  TypeValidationError,
  UnsupportedFunctionalityError,
} from 'ai';
import { describe, expect, it } from 'vitest';
import { around } from '../../test/support/text.ts';
import { toFailure } from './failure.ts';

const refusal = (
  statusCode: number,
  {
    body = '',
    headers = {},
    message = 'no',
    cause,
  }: { body?: string; headers?: Record<string, string>; message?: string; cause?: unknown } = {},
) =>
  new APICallError({
    message,
    url: 'https://provider/',
    requestBodyValues: { messages: ['what the user said'] },
    statusCode,
    responseBody: body,
    responseHeaders: headers,
    cause,
  });
const reasonOf = (error: unknown) => {
  const { reason, retryable } = toFailure(error, []);
  return `${reason}${retryable ? '!' : ''}`;
};
const diagnosticOf = (error: unknown, secrets: string[] = []) => toFailure(error, secrets).diagnostic;

describe('the reason of a refusal', () => {
  // `!`: it may be tried again.
  it.each<[number, string, string]>([
    [400, '', 'rejected'],
    [401, 'insufficient_quota', 'unauthorised'],
    [402, '', 'quota'],
    [403, 'quota', 'unauthorised'],
    [404, '', 'not_found'],
    [405, '', 'not_found'],
    [406, '', 'unknown'],
    [408, '', 'provider!'],
    [410, '', 'not_found'],
    [413, '', 'overlong'],
    [422, '', 'rejected'],
    [424, '', 'provider!'],
    [425, '', 'unknown'],
    [429, '', 'throttled!'],
    [429, 'billing', 'quota'],
    [499, '', 'unknown'],
    [500, '', 'provider!'],
    [500, 'exceeded your current quota', 'provider!'],
    [503, 'API key expired', 'provider!'],
    [404, 'API key not found', 'not_found'],
    [400, 'API key not found', 'unauthorised'],
    [503, 'jinja', 'rejected'],
    [429, 'chat_template', 'throttled!'],
    [400, 'ResponsibleAIPolicyViolation', 'withheld'],
    [400, 'on-demand throughput isn’t supported', 'not_found'],
    [400, 'model_not_found', 'not_found'],
    [409, 'the prompt was too large', 'overlong'],
    [429, '"quotaId": "GenerateRequestsPerDayPerProject", quota', 'throttled!'],
  ])('%i %j is %s', (status, body, reason) => {
    expect(reasonOf(refusal(status, { body }))).toBe(reason);
    // The words may be in the message that the package made of it.
    expect(reasonOf(refusal(status, { message: body || 'no' }))).toBe(reason);
  });

  it('of an answer that had begun is its connection, or what was sent', () => {
    const broken = Object.assign(new Error('socket'), { code: 'ECONNRESET' });
    expect(reasonOf(refusal(200, { cause: new TypeError('terminated', { cause: broken }) }))).toBe(
      'cut_off!',
    );
    expect(reasonOf(refusal(200, { cause: new SyntaxError('Unexpected token') }))).toBe('unreadable!');
    expect(reasonOf(refusal(399))).toBe('unreadable!');
  });

  it.each<[unknown, string]>([
    [new LoadSettingError({ message: 'AWS region is missing.' }), 'unauthorised'],
    [new MissingToolResultsError({ toolCallIds: ['a'] }), 'rejected'],
    [new UnsupportedFunctionalityError({ functionality: 'video' }), 'rejected'],
    [new InvalidResponseDataError({ data: {}, message: 'odd' }), 'cut_off!'],
    [new TypeValidationError({ value: {}, cause: 'odd' }), 'unreadable!'],
    [Object.assign(new Error('no'), { code: 'ENOTFOUND' }), 'cut_off!'],
    [Object.assign(new Error('no'), { code: 'UND_ERR_BODY_TIMEOUT' }), 'cut_off!'],
    [Object.assign(new Error('no'), { code: 'ERR_INVALID_ARG' }), 'unknown'],
    [Object.assign(new Error('no'), { code: 7 }), 'unknown'],
    [{ code: 'ECONNRESET' }, 'unknown'],
    ['words', 'unknown'],
    [undefined, 'unknown'],
    ...['invalid_api_key', 'permission_denied', 'authentication_error'].map((code): [unknown, string] => [
      new StreamProviderError({ message: 'no', data: {}, code }),
      'unauthorised',
    ]),
    [new StreamProviderError({ message: 'authorise yourself', data: {} }), 'provider!'],
    [new StreamProviderError({ message: 'no', data: {}, code: 429 }), 'throttled!'],
    [new StreamProviderError({ message: 'a corporate limit', data: {} }), 'provider!'],
    [new StreamProviderError({ message: 'no', data: {}, type: 'validationException' }), 'rejected'],
    [new StreamProviderError({ message: 'no', data: { error: 'insufficient_quota' } }), 'quota'],
    [new StreamProviderError({ message: 'prompt is too long', data: {} }), 'overlong'],
    [
      new StreamProviderError({ message: 'roles must alternate', data: {}, type: 'server_error' }),
      'rejected',
    ],
  ])('%s is %s', (error, reason) => expect(reasonOf(error)).toBe(reason));
});

describe('the pause that a provider asks for', () => {
  it.each<[Record<string, string>, string, number | undefined]>([
    [{ 'retry-after-ms': '1500', 'x-amz-retry-after': '2000' }, '', 1500],
    [{ 'x-amz-retry-after': '2000', 'retry-after': '7' }, '', 2000],
    [{ 'retry-after-ms': 'soon', 'retry-after': '7' }, '', 7000],
    [{ 'retry-after': ' 0.5 ' }, '', 500],
    [{ 'retry-after': '0' }, '', 0],
    [{ 'retry-after': '7' }, '{"retryDelay": "9s"}', 7000],
    [{ 'retry-after': 'soon' }, '{"retryDelay": "9s"}', 9000],
    [{}, '{"retryDelay":"0.25s"}', 250],
    [{}, '{"retryDelay":"9 minutes"}', undefined],
    [{ 'retry-after': '' }, '', undefined],
  ])('of %j %s is %s ms', (headers, body, ms) =>
    expect(toFailure(refusal(429, { headers, body }), []).retryAfterMs).toBe(ms),
  );
});

describe('what the log is told', () => {
  it('has status, address and answer, and nothing of the request', () => {
    const told = diagnosticOf(refusal(400, { body: '{"error":"odd"}' }));
    for (const part of ['no', 'status 400', 'url https://provider/', '{"error":"odd"}'])
      expect(told).toContain(part);
    expect(told).not.toContain('what the user said');
    const inStream = new StreamProviderError({ message: 'no', data: {}, type: 'odd', code: 7 });
    expect(diagnosticOf(inStream)).toMatch(/type odd, code 7/);
    expect(diagnosticOf({ odd: 1 })).toContain('{"odd":1}');
  });

  it('has 500 characters of the answer, and 2,000 in all', () => {
    const answer = (length: number) => diagnosticOf(refusal(400, { body: 'é'.repeat(length) }));
    expect(around(500).map((length) => answer(length).includes('…'))).toEqual([false, false, true]);
    const bare = diagnosticOf(new Error('')).length;
    const all = around(2000).map((length) => diagnosticOf(new Error('é'.repeat(length - bare))));
    expect(all.map((text) => text.includes('…'))).toEqual([false, false, true]);
    expect(all.map(({ length }) => length)).toEqual([1999, 2000, 2000]);
  });

  it('has no part of a secret, also where it is cut', () => {
    for (let before = 1970; before < 2000; before++)
      expect(
        diagnosticOf(new Error(`${'é'.repeat(before)}hunter2hunter2`), ['hunter2hunter2']),
      ).not.toContain('hun');
  });

  it('has no text of the model, which some errors quote', () => {
    for (const error of [
      new JSONParseError({ text: 'what the model said', cause: new SyntaxError('at "what the model said"') }),
      new TypeValidationError({ value: 'what the model said', cause: 'odd' }),
      new Error('outer', { cause: new SyntaxError('Unexpected token in "what the model said"') }),
    ]) {
      expect(diagnosticOf(error)).not.toContain('what the model said');
      expect(diagnosticOf(error)).toContain('Error');
    }
  });

  it('has the causes, five of them at most, and ends where they go round', () => {
    const chain = Array.from({ length: 8 }, (_, i) => i).reduceRight<Error | undefined>(
      (cause, i) => new Error(`cause ${i}`, { cause }),
      undefined,
    );
    expect(diagnosticOf(chain).match(/cause \d/g)).toEqual([0, 1, 2, 3, 4].map((i) => `cause ${i}`));
    const round: Error & { cause?: unknown } = new Error('round');
    round.cause = round;
    expect(diagnosticOf(round).match(/round/g)).toHaveLength(5);
  });
});
