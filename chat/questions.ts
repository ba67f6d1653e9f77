import { visible } from '../client/display.ts';
import { misfitIn, type Question, type QuestionField } from '../client/elicitation.ts';

/** The server's words on one line, so that they look like no line of this program. */
const oneLine = (text: string): string => visible(text).replace(/\s+/g, ' ');

/** What an MCP server asks, and how to answer, as lines. */
export function questionLines({ server, tool, message, fields, url, timeoutSeconds }: Question): string[] {
  const how =
    url !== undefined
      ? 'Visit it by yourself if you trust it. Then /answer'
      : fields.length > 1
        ? `/answer with JSON: {${fields.map(({ name }) => `"${oneLine(name)}": …`).join(', ')}}`
        : fields.length === 1
          ? '/answer and the value'
          : '/answer to consent';
  return [
    `${oneLine(server)} asks you, for ${oneLine(tool)}: ${oneLine(message)}`,
    ...(url === undefined ? [] : [`  ${url}`, `  at ${new URL(url).host}`]),
    ...fields.map((field) => `  ${fieldLine(field)}`),
    `${how}, or /decline. Without an answer it is cancelled after ${timeoutSeconds} s.`,
  ];
}

function fieldLine({ name, title, description, type, options, required, default: preset }: QuestionField) {
  const choices = options?.map(({ value, title: shown }) =>
    shown === undefined ? JSON.stringify(value) : `${JSON.stringify(value)} (${oneLine(shown)})`,
  );
  return [
    oneLine(name),
    ...(title === undefined ? [] : [`(${oneLine(title)})`]),
    `: ${choices ? choices.join(' | ') : type}`,
    ...(required ? [] : ['[optional]']),
    ...(preset === undefined ? [] : [`[${JSON.stringify(preset)}]`]),
    ...(description === undefined ? [] : [`- ${oneLine(description)}`]),
  ].join(' ');
}

/** What became of it. */
export function resolvedLine({ server, resolved }: Question): string {
  const who = oneLine(server);
  if (resolved?.reason === 'timeout') return `${who} got no answer: nobody answered in time.`;
  if (resolved?.reason === 'aborted') return `${who} got no answer: the turn was stopped.`;
  return resolved?.action === 'accept'
    ? `${who} has your answer.`
    : `${who} was told that you did not answer.`;
}

/** A typed answer: the value of a single field, or JSON of several. Fields that are not named have their defaults. */
export function readAnswer(
  question: Question,
  text: string,
): { content: Record<string, unknown> } | { complaint: string } {
  const { fields } = question;
  const presets = Object.fromEntries(
    fields.flatMap(({ name, default: preset }) => (preset === undefined ? [] : [[name, preset]])),
  );
  const [only] = fields;
  const given = fields.length === 1 && only && !text.startsWith('{') ? oneOf(only, text) : jsonOf(text);
  if (given === undefined) return { complaint: 'The answer is not JSON of an object.' };
  const content = { ...presets, ...given };
  const misfit = misfitIn(question, content);
  return misfit ? { complaint: `${oneLine(misfit.field)}: ${misfit.complaint}.` } : { content };
}

function oneOf({ name, type }: QuestionField, text: string): Record<string, unknown> {
  if (text === '') return {};
  switch (type) {
    case 'number':
    case 'integer':
      return { [name]: Number(text) };
    case 'boolean':
      return { [name]: /^(true|yes|y)$/i.test(text) || (/^(false|no|n)$/i.test(text) ? false : text) };
    case 'choices':
      return { [name]: text.split(',').map((part) => part.trim()) };
    default:
      return { [name]: text };
  }
}

function jsonOf(text: string): Record<string, unknown> | undefined {
  if (text === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
