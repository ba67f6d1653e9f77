import { expect, it } from 'vitest';
import { endOfProtocolError } from './close-codes.ts';

// Codes of the errors of `ws`, and those of RFC 6455, section 7.4.1.
it.each([
  ['WS_ERR_INVALID_UTF8', 1007],
  ['WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH', 1009],
  ['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', 1009],
  ['WS_ERR_TOO_MANY_BUFFERED_PARTS', 1008],
  ['WS_ERR_INVALID_OPCODE', 1002],
  ['ECONNRESET', 1006],
  [undefined, 1006],
])('a connection that ends by the error %s is told as %i', (code, told) => {
  expect(endOfProtocolError(Object.assign(new Error('why'), code !== undefined && { code })).code).toBe(told);
});
