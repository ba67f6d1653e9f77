import type { GatewayLimits } from './types.ts';

/**
 * Finds a frame or a message that is too long in a client's bytes.
 *
 * `ws` limits only whole messages and hides their frames, so this reads the frame headers (RFC 6455, section 5.2) and
 * skips the payloads.
 */
export interface FrameMeter {
  /**
   * Reads the next bytes. Returns the position, counted from 0, of the first message that exceeds a limit. Messages
   * before it are valid, also if they arrived in the same bytes.
   */
  read(chunk: Uint8Array): number | undefined;
}

const LONGEST_HEADER = 14;
const OPCODE_TEXT = 1;
const OPCODE_CONTROL = 8;

export function createFrameMeter(limits: Pick<GatewayLimits, 'frameBytes' | 'messageBytes'>): FrameMeter {
  const header = Buffer.alloc(LONGEST_HEADER);
  let headerBytes = 0;
  let payloadLeft = 0;
  let message = -1;
  let messageBytes = 0;
  let refused: number | undefined;

  function startFrame(): void {
    const { opcode, payload } = readHeader(header);
    headerBytes = 0;
    payloadLeft = payload;
    // Control frames may occur between the frames of a message, and do not belong to it.
    if (opcode >= OPCODE_CONTROL) return;
    if (opcode >= OPCODE_TEXT) {
      message += 1;
      messageBytes = 0;
    }
    messageBytes += payload;
    if (payload > limits.frameBytes || messageBytes > limits.messageBytes) refused = message;
  }

  return {
    read(chunk) {
      let at = 0;
      while (at < chunk.length && refused === undefined) {
        if (payloadLeft > 0) {
          const skipped = Math.min(payloadLeft, chunk.length - at);
          payloadLeft -= skipped;
          at += skipped;
          continue;
        }
        header[headerBytes] = chunk[at] ?? 0;
        headerBytes += 1;
        at += 1;
        if (headerBytes === headerLength(header, headerBytes)) startFrame();
      }
      return refused;
    },
  };
}

/** The length of the header, as far as its first `known` bytes determine it. */
function headerLength(header: Buffer, known: number): number {
  if (known < 2) return 2;
  const second = header.readUInt8(1);
  const maskBytes = second & 0x80 ? 4 : 0;
  return 2 + extendedLengthBytes(second & 0x7f) + maskBytes;
}

function extendedLengthBytes(shortLength: number): number {
  if (shortLength === 126) return 2;
  return shortLength === 127 ? 8 : 0;
}

function readHeader(header: Buffer): { opcode: number; payload: number } {
  const opcode = header.readUInt8(0) & 0x0f;
  const shortLength = header.readUInt8(1) & 0x7f;
  if (shortLength === 126) return { opcode, payload: header.readUInt16BE(2) };
  if (shortLength === 127) return { opcode, payload: Number(header.readBigUInt64BE(2)) };
  return { opcode, payload: shortLength };
}
