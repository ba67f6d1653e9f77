import { expect, it } from 'vitest';
import { FILE_TYPES } from '../../protocol/content.ts';
import { mediaTypeOf } from './media-type.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');

it.each([
  ['\x89PNG\r\n\x1a\n', 'image/png'],
  ['\xff\xd8\xff\xe0', 'image/jpeg'],
  ['GIF89a', 'image/gif'],
  ['RIFF\x01\x02\x03\x04WEBPVP8 ', 'image/webp'],
  ['RIFF\x01\x02\x03\x04WAVEfmt ', 'audio/wav'],
  ['%PDF-1.7', 'application/pdf'],
  ['ID3\x04', 'audio/mpeg'],
  ['\xff\xfb\x90\x00', 'audio/mpeg'],
  ['OggS\x00', 'audio/ogg'],
  ['fLaC\x00', 'audio/flac'],
  ['\x00\x00\x00\x20ftypM4A ', 'audio/mp4'],
  ['\x1a\x45\xdf\xa3', 'audio/webm'],
])('%j is %s, whatever its name says', (begins, type) => {
  expect(mediaTypeOf(bytes(begins))).toBe(type);
  expect(FILE_TYPES).toContain(type);
});

it.each(['<html>', '<svg xmlns=', 'MZ\x90', 'PK\x03\x04', '', 'RIFF', ' %PDF-1.7', '\xff\xf1\x50\x80', '{}'])(
  '%j is no type that is taken',
  (begins) => expect(mediaTypeOf(bytes(begins))).toBeUndefined(),
);
