import * as z from 'zod/mini';
import { MAX_CONTENT_PARTS, MAX_URL_LENGTH } from './limits.ts';

/** What a user says: text, or a list of texts and images. One schema for frames, transcript and client. */

/** The types that all three model providers take. */
const IMAGE_TYPES = ['image/png', 'image/jpeg', 'image/gif', 'image/webp'] as const;

/**
 * An https address in printable ASCII: a host by its name, neither user nor password. It is stored, shown, and fetched by the
 * model's provider, which may well be a server of the team's own: so neither plain http nor an address of a network.
 */
const IMAGE_URL =
  /^https:\/\/(?:[A-Za-z0-9-]+\.)+[A-Za-z][A-Za-z0-9-]*(?::(?:\d{1,4}|[1-5]\d{4}))?(?:[/?#][\x21-\x7e]*)?$/;

const textPart = z.object({ type: z.literal('text'), text: z.string() });

/** An image that the model's provider fetches. No function of ours ever does. */
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

/** An image that travels in the frame, and so is small: content counts as a whole. */
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

export const contentPart = z.union([textPart, imageByUrl, inlineImage]);

export const content = z.union([
  z.string(),
  z.array(contentPart).check(z.minLength(1), z.maxLength(MAX_CONTENT_PARTS)),
]);

/** The sentences of the documents for a field at `path` that holds content; `what` is the one for the field itself. */
export const contentSentences = <P extends string>(path: P, what: string) => ({
  [path]: what,
  [`${path}[].type`]: 'What this part is.',
  [`${path}[].text`]: 'Of a text.',
  [`${path}[].url`]:
    'Of an image: where it is, by https and the name of a host. The model’s provider fetches it, never this server.',
  [`${path}[].media_type`]: 'Of an image that is in the frame: its type.',
  [`${path}[].data`]:
    'Of an image that is in the frame: its bytes in base64. It counts into `limits.content_bytes`.',
});

export type ContentPart = z.infer<typeof contentPart>;
export type Content = z.infer<typeof content>;
