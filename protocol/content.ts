import * as z from 'zod/mini';
import { ID_PATTERN, ID_RULE } from './ids.ts';
import { MAX_CONTENT_PARTS, MAX_LABEL_LENGTH, MAX_URL_LENGTH } from './limits.ts';

/** The content of a message: a text, or a list of texts, images and files. One schema for frames, transcript and client. */

/** The image types that all three model providers accept. */
const IMAGE_TYPES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'] as const;

/**
 * An https URL in printable ASCII: a host by name, without user or password. It is stored, shown to users, and fetched by
 * the model's provider. The provider can be a server of the team, inside its network: plain http and IP addresses are refused.
 */
const IMAGE_URL =
  /^https:\/\/(?:[A-Za-z0-9-]+\.)+[A-Za-z][A-Za-z0-9-]*(?::(?:\d{1,4}|[1-5]\d{4}))?(?:[/?#][\x21-\x7e]*)?$/;

const textPart = z.object({ type: z.literal('text'), text: z.string() });

/** An image that the model's provider fetches. The functions of this project never do. */
const imageByUrl = z.object({
  type: z.literal('image'),
  url: z.string().check(
    z.maxLength(MAX_URL_LENGTH),
    z.regex(
      IMAGE_URL,
      'it must be an https URL in ASCII with the name of a host, and neither user nor password',
    ),
    z.refine((url) => URL.canParse(url), 'it cannot be read as a URL'),
  ),
});

/** An image in the frame. It is small, because the limit is for the whole content. */
const inlineImage = z.object({
  type: z.literal('image'),
  media_type: z.enum(IMAGE_TYPES),
  data: z
    .string()
    .check(
      z.regex(
        /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/,
        'it must be base64',
      ),
    ),
});

/** The types of files that a client can upload, by the names of IANA. The server finds a file's type in its bytes. */
export const FILE_TYPES = [
  ...IMAGE_TYPES,
  'application/pdf',
  'audio/wav',
  'audio/mpeg',
  'audio/mp4',
  'audio/ogg',
  'audio/flac',
  'audio/webm',
] as const;

/** What is said of a file beside its bytes. */
export const fileFields = {
  media_type: z.string().check(z.maxLength(100)),
  size: z.int().check(z.positive()),
  name: z.optional(z.string().check(z.minLength(1), z.maxLength(MAX_LABEL_LENGTH))),
};

/** A file that was uploaded before, or that a tool has made. What is said of it lets each client show it without a request. */
export const filePart = z.object({
  type: z.literal('file'),
  file: z.string().check(z.regex(ID_PATTERN, `it must have ${ID_RULE}`)),
  ...fileFields,
});

export const contentPart = z.union([textPart, imageByUrl, inlineImage, filePart]);

export const content = z.union([
  z.string(),
  z.array(contentPart).check(z.minLength(1), z.maxLength(MAX_CONTENT_PARTS)),
]);

export type FilePart = z.infer<typeof filePart>;
export type ContentPart = z.infer<typeof contentPart>;
export type Content = z.infer<typeof content>;
