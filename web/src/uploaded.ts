/** Types that are uploaded as they are. Other images are drawn again, and travel in the message. */
const TYPES = /^(image\/(png|jpeg|gif|webp)|application\/pdf|audio\/.+)$/;
/** Images of less travel in the message. */
const SMALL_BYTES = 6 * 1024;

export const isUploaded = ({ type, size }: File): boolean =>
  TYPES.test(type) && !(type.startsWith('image/') && size < SMALL_BYTES);
