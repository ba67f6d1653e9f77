/**
 * Ids that clients choose: of sessions, messages, lanes and requests. Visible ASCII cannot collide with a key's separators or
 * swell an item. The client contains this file, so that it refuses what the server would (docs/protocol.md, 4.1.2).
 */
export const ID_PATTERN = /^(?!__proto__$)[\x21-\x7e]{1,64}$/;

/** The same in words, after "must have". */
export const ID_RULE = '1 to 64 visible ASCII characters, and must not be "__proto__"';
