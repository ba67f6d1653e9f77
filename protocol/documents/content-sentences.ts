/** The sentences of the documents for a field at `path` that holds content; `what` is the one for the field itself. */
export const contentSentences = <P extends string>(path: P, what: string) => ({
  [path]: what,
  [`${path}[].type`]: 'Whether this part is a text, an image or a file.',
  [`${path}[].text`]: 'The text of a text part.',
  [`${path}[].url`]:
    'The https URL of an image, with the name of a host. The model’s provider fetches it; the server does not.',
  [`${path}[].media_type`]: 'The type of an image that is in the frame, or of a file.',
  [`${path}[].data`]:
    'The bytes of an image that is in the frame, in base64. They count towards `limits.content_bytes`.',
  [`${path}[].file`]: 'The reference of a file, as `upload` gave it, or the output of a tool.',
  [`${path}[].size`]: 'The bytes of a file.',
  [`${path}[].name`]: 'The name of a file, to be shown.',
});
