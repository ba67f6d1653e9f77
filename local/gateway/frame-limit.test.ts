import { describe, expect, it } from 'vitest';
import { createFrameMeter } from './frame-limit.ts';

const limits = { frameBytes: 200, messageBytes: 500 };
const TEXT = 1;
const CONTINUATION = 0;
const PING = 9;

/** One masked frame, as a client sends it; the mask of zeros leaves the payload as it is. */
function frame(opcode: number, bytes: number, fin = true): Buffer {
  const start = (fin ? 0x80 : 0) | opcode;
  const mask = Buffer.alloc(4);
  return Buffer.concat([Buffer.from([start, ...lengthField(bytes)]), mask, Buffer.alloc(bytes, 'a')]);
}

function lengthField(bytes: number): number[] {
  const MASKED = 0x80;
  if (bytes < 126) return [MASKED | bytes];
  if (bytes < 65_536) return [MASKED | 126, bytes >> 8, bytes & 0xff];
  const long = Buffer.alloc(8);
  long.writeBigUInt64BE(BigInt(bytes));
  return [MASKED | 127, ...long];
}

describe('the frame meter', () => {
  it.each([0, 1, 125, 126, 200])('lets a frame of %i bytes pass', (bytes) => {
    expect(createFrameMeter(limits).read(frame(TEXT, bytes))).toBeUndefined();
  });

  it.each([201, 70_000])('refuses a frame of %i bytes', (bytes) => {
    expect(createFrameMeter(limits).read(frame(TEXT, bytes))).toBe(0);
  });

  it('refuses by the header alone, before the payload has come', () => {
    expect(createFrameMeter(limits).read(frame(TEXT, 70_000).subarray(0, 14))).toBe(0);
  });

  it('lets a message of several frames pass up to the message limit', () => {
    const message = [frame(TEXT, 200, false), frame(CONTINUATION, 200, false), frame(CONTINUATION, 100)];
    expect(createFrameMeter(limits).read(Buffer.concat(message))).toBeUndefined();
  });

  it('refuses a message whose frames are together too long', () => {
    const message = [frame(TEXT, 200, false), frame(CONTINUATION, 200, false), frame(CONTINUATION, 101)];
    expect(createFrameMeter(limits).read(Buffer.concat(message))).toBe(0);
  });

  it('does not count control frames as part of the message around them', () => {
    const message = [frame(TEXT, 200, false), frame(PING, 125), frame(CONTINUATION, 200, false)];
    const meter = createFrameMeter(limits);
    expect(meter.read(Buffer.concat(message))).toBeUndefined();
    expect(meter.read(Buffer.concat([frame(PING, 125), frame(CONTINUATION, 100)]))).toBeUndefined();
  });

  it('names the first bad message, not the good ones in the same bytes', () => {
    const stream = Buffer.concat([frame(TEXT, 10), frame(TEXT, 150), frame(TEXT, 201), frame(TEXT, 10)]);
    expect(createFrameMeter(limits).read(stream)).toBe(2);
  });

  it('reads the same from single bytes as from one piece', () => {
    const stream = Buffer.concat([frame(TEXT, 3), frame(PING, 0), frame(TEXT, 130), frame(TEXT, 201)]);
    const meter = createFrameMeter(limits);
    const results = [...stream].map((byte) => meter.read(Uint8Array.of(byte)));
    const lastHeader = stream.length - 201;
    expect(results[lastHeader - 2]).toBeUndefined();
    expect(results[lastHeader - 1]).toBe(2);
  });
});
