import type { CallInput, InputRequired, Question } from '../../core/elicitation.ts';
import { FORMATS, misfitOf } from '../../protocol/question-fields.ts';
import { shortened, wellFormed } from '../../protocol/text.ts';
import { McpToolError } from './tool-error.ts';

/**
 * What servers ask the user: elicitation within multi round-trip requests. A call has a result that asks, and the call is made again with
 * the answers, by whichever process. The older form, a request of the server while it keeps the call open, is not offered: it is lost with
 * the process that has the connection.
 *
 * Source: "Elicitation" and "Multi Round-Trip Requests", Model Context Protocol 2026-07-28.
 */

export const INPUT_REQUIRED = 'input_required';
/** Only requests of versions that have no session have it. */
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';

const MAX_MESSAGE = 2000;
const MAX_TEXT = 500;
const MAX_FIELDS = 32;
const MAX_OPTIONS = 200;
const MAX_URL = 2048;
/** The questions of a call together, and its state, as bytes of JSON. */
const MAX_BYTES = 16 * 1024;

type Fields = NonNullable<Question['fields']>;
type Field = Fields[number];
type Schema = Readonly<Record<string, unknown>>;

/** The parameters of a call that says that the user can be asked, with the answers. Undefined: the server's version is an older one. */
export function withInput(params: Schema, { given }: CallInput): Schema | undefined {
  const { _meta: meta } = params as { _meta: Schema };
  if (!(CAPABILITIES in meta)) return undefined;
  const capabilities = { ...(meta[CAPABILITIES] as Schema), elicitation: { form: {}, url: {} } };
  // What the MCP client sends again by itself has the server's newer state.
  const isAgain = 'requestState' in params || 'inputResponses' in params;
  return {
    ...params,
    _meta: { ...meta, [CAPABILITIES]: capabilities },
    ...(given &&
      !isAgain && {
        inputResponses: given.answers,
        ...(given.state !== undefined && { requestState: given.state }),
      }),
  };
}

/**
 * Reads a result that asks for input.
 *
 * @throws {McpToolError} for what the user cannot be asked: the tool has not done what it was called for
 */
export function requiredIn(server: string, result: unknown): InputRequired {
  const { inputRequests, requestState } = recordOf(result);
  const state = typeof requestState === 'string' ? requestState : undefined;
  const questions = Object.entries(recordOf(inputRequests)).map(([key, request]) => {
    try {
      return wellFormed<Question>({ key, server, ...questionIn(request) });
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      throw refused(server, error.message);
    }
  });
  if (questions.length === 0) throw refused(server, 'it names no question');
  if (bytesOf(questions) > MAX_BYTES || (state !== undefined && bytesOf(state) > MAX_BYTES))
    throw refused(server, `its questions and its state may have ${MAX_BYTES} bytes each`);
  return { questions, ...(state !== undefined && { state }) };
}

/** What is wrong with a request, as the end of a sentence. */
class Unfit extends Error {
  override readonly name = 'Unfit';
}

const refused = (server: string, why: string) =>
  new McpToolError(`Not done: the server "${server}" asks the user something that cannot be shown: ${why}.`);

function questionIn(request: unknown): Pick<Question, 'mode' | 'message' | 'fields' | 'url'> {
  const { method, params } = recordOf(request);
  if (method !== 'elicitation/create')
    throw new Unfit(`a request "${shortened(String(method), 50)}", which no client here answers`);
  const { mode = 'form', message, requestedSchema, url } = recordOf(params);
  if (typeof message !== 'string') throw new Unfit('it has no message');
  const shown = shortened(message, MAX_MESSAGE);
  if (mode === 'form') return { mode, message: shown, fields: fieldsIn(requestedSchema) };
  if (mode !== 'url') throw new Unfit('a mode that is not known');
  if (typeof url !== 'string' || url.length > MAX_URL || !isHttps(url) || hasUser(url))
    throw new Unfit('the address is not one of https without a user, of 2048 characters at most');
  return { mode, message: shown, url: new URL(url).href };
}

/** No http on this machine either: the address is opened by the user's browser, whose machine is another one. */
const isHttps = (url: string): boolean => URL.canParse(url) && new URL(url).protocol === 'https:';

/** `https://bank.example@evil.example` looks like another address than it is. */
const hasUser = (url: string): boolean => new URL(url).username !== '' || new URL(url).password !== '';

function fieldsIn(schema: unknown): Fields {
  const { type, properties, required } = recordOf(schema);
  if (type !== 'object') throw new Unfit('its schema is not one of an object');
  const entries = Object.entries(recordOf(properties));
  if (entries.length > MAX_FIELDS) throw new Unfit(`it has more than ${MAX_FIELDS} fields`);
  const names = Array.isArray(required) ? required : [];
  if (names.some((name) => !entries.some(([one]) => one === name)))
    throw new Unfit('its schema requires a field that it does not have');
  return entries.map(([name, property]) => {
    const field = fieldIn(name, recordOf(property));
    const isRequired = names.includes(name);
    const preset = recordOf(property).default;
    // A default that does not fit would be refused as soon as the form is sent.
    const fits = preset !== undefined && !misfitOf([field], { [name]: preset });
    return {
      ...field,
      ...(isRequired && { required: true as const }),
      ...(fits && { default: preset as NonNullable<Field['default']> }),
    };
  });
}

function fieldIn(name: string, schema: Schema): Field {
  const { type, title, description, format } = schema;
  const words = { ...textIn('title', title), ...textIn('description', description) };
  const values = optionsIn(schema.oneOf ?? schema.anyOf ?? schema.enum, schema.enumNames);
  switch (type) {
    case 'boolean':
      return { name, type, ...words };
    case 'number':
    case 'integer':
      return { name, type, ...words, ...bounds(schema.minimum, schema.maximum) };
    case 'string':
      if (values) return { name, type: 'choice', ...words, options: values };
      return {
        name,
        type,
        ...words,
        // A format that is not MCP's says something of a text all the same: JSON Schema takes it for a note.
        ...(isFormat(format) && { format }),
        ...bounds(schema.minLength, schema.maxLength),
      };
    case 'array': {
      const items = recordOf(schema.items);
      const options = optionsIn(items.anyOf ?? items.oneOf ?? items.enum, undefined);
      if (options)
        return { name, type: 'choices', ...words, options, ...bounds(schema.minItems, schema.maxItems) };
    }
  }
  throw new Unfit(
    `its field "${shortened(name, 50)}" is neither a text, a number, true or false, nor a choice`,
  );
}

/** Titles of an older version are in a list of their own. */
function optionsIn(values: unknown, names: unknown): Field['options'] {
  if (!Array.isArray(values)) return undefined;
  if (values.length > MAX_OPTIONS) throw new Unfit(`a field has more than ${MAX_OPTIONS} options`);
  const titles = Array.isArray(names) ? names : [];
  return values.map((one, i) => {
    const { const: value, title } =
      typeof one === 'string' ? { const: one, title: titles[i] } : recordOf(one);
    if (typeof value !== 'string') throw new Unfit('an option is not a text');
    return { value, ...textIn('title', title) };
  });
}

const textIn = <K extends string>(key: K, text: unknown): { [P in K]?: string } =>
  typeof text === 'string' ? ({ [key]: shortened(text, MAX_TEXT) } as { [P in K]?: string }) : {};

const bounds = (min: unknown, max: unknown) => ({
  ...(typeof min === 'number' && { min }),
  ...(typeof max === 'number' && { max }),
});

const isFormat = (format: unknown): format is (typeof FORMATS)[number] =>
  FORMATS.some((known) => known === format);

const recordOf = (value: unknown): Schema =>
  typeof value === 'object' && value !== null ? (value as Schema) : {};

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
