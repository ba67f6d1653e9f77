import { Transform } from 'node:stream';
import { S3Error } from './error.ts';

const CRLF = Buffer.from('\r\n');
/** A line of a chunk's size or of a trailer. */
const MAX_LINE = 8192;

const malformed = () =>
  new S3Error(400, 'IncompleteBody', 'The request body is not chunked as its headers say.');

/**
 * Takes the chunks of `aws-chunked` apart. Source: "Signature calculations for trailing headers", Amazon S3 API reference:
 * `<size in hex>\r\n<bytes>\r\n` until a chunk of size 0, then the trailers.
 */
export function createChunkDecoder(): { stream: Transform; trailers(): ReadonlyMap<string, string> } {
  const trailers = new Map<string, string>();
  let rest: Buffer = Buffer.alloc(0);
  /** `size`: a chunk's line; `bytes`: `left` of them; `end`: the line's end after them; `trailers`: to the last line. */
  let state: 'size' | 'bytes' | 'end' | 'trailers' = 'size';
  let left = 0;

  /** The next line, if all of it is here. */
  function line(): string | undefined {
    const at = rest.indexOf(CRLF);
    if (at < 0) {
      if (rest.length > MAX_LINE) throw malformed();
      return undefined;
    }
    const text = rest.subarray(0, at).toString('latin1');
    rest = rest.subarray(at + CRLF.length);
    return text;
  }

  /** Takes one step. @returns whether there may be another */
  function step(push: (bytes: Buffer) => void): boolean {
    if (state === 'bytes') {
      if (rest.length === 0) return false;
      const bytes = rest.subarray(0, left);
      rest = rest.subarray(bytes.length);
      left -= bytes.length;
      push(bytes);
      if (left === 0) state = 'end';
      return true;
    }
    const text = line();
    if (text === undefined) return false;
    switch (state) {
      case 'size': {
        const [size = ''] = text.split(';');
        if (!/^[0-9a-f]{1,12}$/i.test(size)) throw malformed();
        left = Number.parseInt(size, 16);
        state = left === 0 ? 'trailers' : 'bytes';
        break;
      }
      case 'end':
        if (text !== '') throw malformed();
        state = 'size';
        break;
      case 'trailers': {
        const colon = text.indexOf(':');
        if (colon > 0) trailers.set(text.slice(0, colon).trim().toLowerCase(), text.slice(colon + 1).trim());
      }
    }
    return true;
  }

  const stream = new Transform({
    transform(chunk: Buffer, _, done) {
      rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      try {
        while (step((bytes) => this.push(bytes)));
        done();
      } catch (error) {
        done(error as Error);
      }
    },
    flush(done) {
      done(state === 'trailers' ? null : malformed());
    },
  });
  return { stream, trailers: () => trailers };
}
