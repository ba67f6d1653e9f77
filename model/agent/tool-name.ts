/** Names that all providers take: the intersection of Anthropic's and OpenAI's rules. */
export const TOOL_NAME = /^[A-Za-z0-9_-]{1,64}$/;
export const MAX_TOOL_NAME = 64;
