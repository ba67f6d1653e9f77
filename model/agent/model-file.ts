import type { FilePart } from '../../core/content.ts';

/** By which a reference is known to be one of a session's file. */
export const OWN_PROVIDER = 'midturn';

/**
 * A file of the session as a part of what a tool shows the model. Its bytes are read before each model call, and the transcript has the
 * reference alone.
 *
 * @example
 * toModelOutput: ({ output }) => ({ type: 'content', value: [{ type: 'text', text: 'The chart.' }, modelFile(output.chart)] })
 */
export const modelFile = ({ file, media_type, size, name }: FilePart) => ({
  type: 'file' as const,
  mediaType: media_type,
  data: { type: 'reference' as const, reference: { [OWN_PROVIDER]: file, size: String(size) } },
  ...(name !== undefined && { filename: name }),
});
