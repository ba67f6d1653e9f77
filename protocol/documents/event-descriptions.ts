import { EVENTS, type EventType } from '../events.ts';
import { contentSentences } from './content-sentences.ts';
import type { FrameDescription } from './descriptions.ts';

/** The sentences of the documents for events. An event without an entry does not compile, nor does a field of its own. */

/** A sentence for each field of the event's own, and for each nested one by its path: `messages[].id`. */
type Fields<T extends EventType> = Readonly<Record<keyof (typeof EVENTS)[T]['fields'], string>> &
  Readonly<Record<`${string}.${string}` | `${string}[]${string}`, string>>;

export const EVERY_EVENT = {
  seq: 'The number of the event in its session: from 1, one more than that of the event before.',
  turn_id: 'The turn that the event belongs to.',
} as const;

const EVERY_END = {
  full_response: 'All chunks of the turn put together; null when the text does not fit into a frame.',
  full_response_omitted:
    'Present and true when `full_response` is null. The chunks, or `history`, have the text.',
} as const;

const ASKED_AT =
  'When it was asked, in milliseconds since the epoch, by the clock of the server. Absent in requests of earlier versions of the server.';

const PROVIDER_EXECUTED = 'True when the model’s provider runs the tool, for example its web search.';

const TOOL_OUTPUT_SENTENCES = {
  output: 'The output of the tool, as text. A cut output ends with a sentence that says how much is missing.',
  json: 'True when the tool returned something other than text: `output` is its JSON. Never with `truncated`.',
  is_error: 'True when the tool failed or did not finish.',
  truncated: 'True when the output was cut to fit into a frame.',
  output_length: 'With `truncated`: the length of the whole output, in UTF-16 code units.',
} as const;

const EVENT_DESCRIPTIONS: { readonly [T in EventType]: { summary: string; fields: Fields<T> } } = {
  turn_start: {
    summary: 'A turn begins.',
    fields: {
      message_ids: 'The ids of the messages that the turn begins with.',
      agent: 'Of several agents, the one that answers. It is the same in all turns of the session.',
      resumed: 'Reserved. This server never sends it.',
    },
  },
  applied: {
    summary:
      'Messages of the user were applied here: the agent has read them before everything that follows. The first `applied` of a turn has the messages that the turn begins with. Steering follows at the place where it was applied.',
    fields: {
      messages: 'The messages, in the order in which the agent reads them.',
      'messages[].id': 'The id of the message.',
      ...contentSentences('messages[].content', 'The content of the message, as it was sent.'),
      'messages[].from': '`system`: the application has sent the message, and no person. Absent: the user.',
      step: 'The first model call that reads these messages, counted from 1 within the turn.',
    },
  },
  chunk: {
    summary: 'A piece of the answer. The server never takes back or replaces text that it sent.',
    fields: {
      content: 'The text to append.',
      offset:
        'Where the chunk begins in the turn’s text, in UTF-16 code units (indices of a JavaScript string).',
    },
  },
  thinking: {
    summary: 'A piece of the model’s reasoning. It is not a part of the answer or of the transcript.',
    fields: { content: 'The text to append to the reasoning before.' },
  },
  tool_call: {
    summary: 'The agent calls a tool.',
    fields: {
      id: 'The id of the call, unique within the turn.',
      name: 'The name of the tool.',
      args: 'The arguments; null when `truncated`.',
      truncated: 'True when the arguments do not fit into a frame.',
      provider_executed: PROVIDER_EXECUTED,
    },
  },
  tool_result: {
    summary:
      'The result of a tool call. Each call has exactly one result, also when the turn is aborted or fails.',
    fields: {
      id: 'The `id` of the call.',
      name: 'The name of the tool.',
      ...TOOL_OUTPUT_SENTENCES,
      provider_executed: PROVIDER_EXECUTED,
    },
  },
  approval_request: {
    summary:
      'A tool call waits for a person’s decision. Any connection of the session answers with `approval_response`; the first answer counts.',
    fields: {
      request_id: 'The id of the request. The answer names it.',
      tool_call_id: 'The `id` of the call that waits.',
      tool: 'The name of the tool.',
      arguments_summary:
        'The arguments of the call for a narrow screen, as JSON of at most 1000 characters. A longer text is cut, and its end says how many characters are left out.',
      timeout_secs: 'The number of seconds after which the request counts as denied.',
      at: ASKED_AT,
      arguments:
        'The arguments of the call, whole: what is approved, and what runs. Absent only in requests of earlier versions of the server.',
      always: 'False: `always` is not offered for this call and counts as `approve`.',
    },
  },
  approval_resolved: {
    summary:
      'The decision on a request, exactly one for each request. A denied call has a `tool_result` that says so. An approved call runs.',
    fields: {
      request_id: 'The id of the request.',
      decision:
        'The decision. `always` approves later calls of this tool in this session as well: all, or those that the agent counts as the same.',
      reason:
        '`answer`: a person decided. `always`: an earlier `always` decided. `timeout`: there was no answer in time. `aborted`: the turn was stopped.',
      by: 'The subject of the principal that answered.',
    },
  },
  history_trimmed: {
    summary:
      'The model is shown less than the transcript, or the same in another form: the transcript is longer than the budget of the prompt, or the provider refused a prompt. It is sent before the model call that it is about.',
    fields: {
      dropped_messages: 'The number of entries that were left out.',
      kept_turns: 'The number of earlier turns of which something was kept.',
      reason:
        '`context_tokens`: the setting that the earlier turns exceed. `remembered`: what an earlier turn had to leave out is left out. Otherwise the reason of the refusal, as in `error`: `rejected`, `overlong` or `withheld`.',
      form: 'After a refusal, the change with which the prompt is sent again. `without_thoughts`: what the model thought, and its provider’s own data about earlier answers, are left out. `alternating`: user and assistant alternate. `without_images`: notes in the place of images. `recent`: older turns are left out. `plain`: earlier tool calls are text. `this_turn`: all earlier turns are left out. `recent_steps`: older steps of this turn are left out. `last_message`: only the last message, without tools. `without_message`: every form was refused, the turn fails, and the message is left out of later prompts. Later versions can add forms.',
      message_ids: 'With `without_message`: the messages that are left out of later prompts.',
      compacted_to:
        'In the place of the entries up to this number, the model is shown their summary; see `compacted`.',
    },
  },
  model_changed: {
    summary:
      'The model failed before any of its output was sent, and another model continues the turn. The next turn begins with the first model again.',
    fields: {
      model: 'The model that continues.',
      provider: 'The provider of that model.',
      fallback_from: 'The model that failed, as `provider:model`.',
      reason: 'Why it failed, as in `error`.',
    },
  },
  done: {
    summary: 'The turn is answered, and its inbox is empty.',
    fields: {
      input_tokens:
        'Tokens that the model read, in all calls of this turn and of agents that its tools asked.',
      output_tokens: 'Tokens that the model wrote, in all these calls.',
      tokens_used: 'The sum of `input_tokens` and `output_tokens`.',
      last_input_tokens: 'Tokens that the last call read. It shows how full the context is.',
      cache_read_tokens:
        'Of `input_tokens`: those read from the provider’s cache. Absent: none, or the provider does not tell.',
      cache_write_tokens: 'Of `input_tokens`: those written to the provider’s cache. Absent: as above.',
      reasoning_tokens: 'Of `output_tokens`: what the model thought. Absent: as above.',
      cost: 'What the model calls of this turn cost, in `currency`, if the agent has a price for each of them.',
      currency: 'The currency of `cost`.',
      by_model:
        'If several models were called in this turn: the usage of each, that of `model` last. Together they are the usage of the turn.',
      'by_model[].provider': 'The provider of the model.',
      'by_model[].model': 'The model.',
      'by_model[].steps': 'The number of its calls, also for agents that tools asked.',
      'by_model[].input_tokens': 'As `input_tokens` of the turn.',
      'by_model[].output_tokens': 'As `output_tokens` of the turn.',
      'by_model[].cache_read_tokens': 'As `cache_read_tokens` of the turn.',
      'by_model[].cache_write_tokens': 'As `cache_write_tokens` of the turn.',
      'by_model[].reasoning_tokens': 'As `reasoning_tokens` of the turn.',
      'by_model[].cost': 'As `cost` of the turn, if the agent has a price for this model.',
      model: 'The model.',
      provider: 'The provider of the model.',
      fallback_from: 'The model that failed before this model continued, as `provider:model`.',
      steps: 'The number of model calls of this turn, without those of agents that its tools asked.',
      finish_reason:
        'How the last model call ended. `stop`: the answer is complete. `length`: it was cut at the limit of tokens. `content_filter`: the provider’s filter ended it. `refusal`: the model refused to go on. `tool_calls`: the agent ends its turn after the results of these calls. Otherwise the provider’s own word.',
      cached: 'True when the answer is from a cache.',
      output:
        'The value of the answer, where the agent answers in a form of its own: read from the text of the last answer, and checked.',
      output_omitted:
        'Present and true when the value is checked, and longer than 24,576 bytes of JSON. The text of the last answer has it.',
    },
  },
  aborted: {
    summary: 'The turn was stopped by `abort`. The text that was sent stays.',
    fields: { by: 'The subject of the principal that sent `abort`.' },
  },
  error: {
    summary:
      'The turn cannot go on: `terminal` is true. The text that was sent stays. Pending messages become the next turn.',
    fields: {
      code: 'The code to branch on; see the table of codes.',
      message: 'A text for people. Do not parse it.',
      terminal: 'True: this event ends the turn.',
      retryable: 'Whether the same message can succeed later.',
      reason:
        'Why a model call failed, with `PROVIDER_ERROR` and `AUTH_ERROR`. Later versions can add reasons: treat an unknown reason by `retryable`.',
      until: 'With `BUDGET_EXCEEDED`: when the next budget begins, in milliseconds since the epoch.',
      refused: 'With `TURN_REFUSED` and `HOOK_FAILED`: the ids of the messages that no model reads.',
    },
  },
  source: {
    summary:
      'A source that the model names for its answer: a page of the web, or a document. The sources of a model call come after its text, each once.',
    fields: {
      source_id: 'The id of the source, unique within the turn.',
      source_type:
        '`url`: a page of the web. `document`: a document that was given to the model, or that it found.',
      url: 'With `url`: the address, at most 4096 characters. Only `http:` and `https:` are sent.',
      title: 'The title, at most 500 characters. A `document` always has one.',
      media_type: 'With `document`: its media type.',
      filename: 'With `document`: the name of its file, if the provider tells it.',
    },
  },
  file: {
    summary:
      'A file that the model made, for example an image. It is a part of the answer and of the transcript.',
    fields: {
      media_type: 'The media type of the file.',
      bytes: 'The size of the file.',
      data: 'The file in base64. Absent when it is `omitted`.',
      omitted:
        'Why the file is not here. `too_large`: it is larger than an event holds (15,000 bytes), and is not kept. Later versions can add reasons.',
    },
  },
  compacted: {
    summary:
      'From here on, a summary stands in the prompts in the place of the oldest entries. It is sent once for each summary, in the first turn whose prompts have it. The transcript keeps all entries.',
    fields: {
      from_entry: 'The number of the first entry that the summary is about.',
      to_entry: 'The number of the last one.',
      model: 'The model that wrote the summary.',
      provider: 'The provider of that model.',
      input_tokens: 'The tokens that it read for the summary. No `done` counts this and what follows.',
      output_tokens: 'The tokens that it wrote.',
      cache_read_tokens: 'Of `input_tokens`: those that the provider read from its cache.',
      cache_write_tokens: 'Of `input_tokens`: those that the provider wrote to its cache.',
      reasoning_tokens: 'Of `output_tokens`: what the model thought.',
      cost: 'What the summary cost, in `currency`. Present if the agent has a price for the model.',
      currency: 'The currency of `cost`.',
    },
  },
  tool_progress: {
    summary:
      'What a running tool shows before its result. Each replaces the one before of the same call, and the result replaces the last one. It is not a part of the transcript.',
    fields: {
      id: 'The `id` of the call.',
      name: 'The name of the tool.',
      output: 'What the tool shows, as text. It is cut as the output of a tool is.',
      json: TOOL_OUTPUT_SENTENCES.json,
      truncated: TOOL_OUTPUT_SENTENCES.truncated,
      output_length: TOOL_OUTPUT_SENTENCES.output_length,
      restarted:
        'True in the first one after the call was started again: the function that ran it ended, or the user answered what it asked. The tool shows its progress from the beginning.',
    },
  },
  data: {
    summary:
      'A value for the page of the application, which a tool of the agent sends while it runs. No model sees it. It is a part of the transcript.',
    fields: {
      name: 'What it is, in the words of the application. An application shows nothing, or the value, for a name that it does not know.',
      id: 'The id of the part. A later event of the turn with the same `name` and `id` replaces the value.',
      data: 'The value.',
      tool_call_id: 'The `id` of the call that sends it.',
    },
  },
  tool_output_request: {
    summary:
      'A call of a tool that the client runs: the turn waits for what the client gives. The connection that has `lane` answers with `tool_output`; the first answer counts, and `tool_result` has it.',
    fields: {
      request_id: 'The id of the request. The answer names it.',
      tool_call_id: 'The `id` of the call.',
      tool: 'The name of the tool.',
      arguments: 'The arguments of the call, whole.',
      lane: 'The lane of the turn’s message. The connection that has it is asked; no other one can answer.',
      timeout_secs: 'The number of seconds after which the call has a result that says that nobody answered.',
      at: ASKED_AT,
    },
  },
  elicitation_request: {
    summary:
      'An MCP server asks the user something before it goes on with a call. Any connection of the session answers with `elicitation_answer`; the first answer counts. It is not a part of the transcript.',
    fields: {
      request_id: 'The id of the request. The answer names it.',
      tool_call_id: 'The `id` of the call that waits.',
      tool: 'The name of the tool.',
      server: 'The name of the MCP server that asks, as the agent’s definition has it.',
      mode: '`form`: values are asked for. `url`: the user is asked to visit an address, outside of this conversation.',
      message: 'What the server says that it needs, and why. Text, at most 2000 characters.',
      fields: 'With `form`: what is asked for, in order. An empty list asks for consent alone.',
      'fields[].name': 'The name of the value in `content`.',
      'fields[].type':
        'What the value is: a text, a number, a whole number, true or false, the `value` of one of the `options` (`choice`), or a list of them (`choices`).',
      'fields[].title': 'What to show in the place of the name.',
      'fields[].description': 'What to show beside it.',
      'fields[].required': 'True when an answer without a value is refused.',
      'fields[].format': 'With `string`: the form of the text, as JSON Schema names it.',
      'fields[].min': 'The least number, length in characters, or count of choices.',
      'fields[].max': 'The greatest number, length in characters, or count of choices.',
      'fields[].options': 'With `choice` and `choices`: the values to choose from.',
      'fields[].options[].value': 'The value.',
      'fields[].options[].title': 'What to show in its place.',
      'fields[].default': 'The value to begin with. A client fills it in.',
      url: 'With `url`: the address. Only `https:`, or `http:` to a loopback address, is sent.',
      timeout_secs: 'The number of seconds after which the request counts as cancelled.',
      at: ASKED_AT,
    },
  },
  elicitation_resolved: {
    summary:
      'What became of a question, exactly one for each request. The server goes on with the call and is told the answer, which is in no event that is sent.',
    fields: {
      request_id: 'The id of the request.',
      action:
        '`accept`: the user gave what was asked for, or consented. `decline`: the user refused. `cancel`: nobody answered, or the user made no choice.',
      reason:
        '`answer`: a person answered. `timeout`: there was no answer in time. `aborted`: the turn was stopped, and the call has its result.',
    },
  },
};

/** What the documents say of an event: its own fields, and those that every event has, or every end of a turn. */
export function eventDescription(type: EventType): FrameDescription {
  const { summary, fields } = EVENT_DESCRIPTIONS[type];
  return {
    summary,
    fields: { ...EVERY_EVENT, ...('full_response' in EVENTS[type].schema.shape && EVERY_END), ...fields },
  };
}
