import type { EventOf } from '../protocol/events.ts';
import type { Json } from './json.ts';

/** What a tool asks the user: values, or to visit an address. `key` is the tool's own name of it. */
export type Question = { key: string } & Pick<
  EventOf<'elicitation_request'>,
  'server' | 'mode' | 'message' | 'fields' | 'url'
>;

/** A tool goes on when these questions are answered. `state` is given back to it as it is. */
export interface InputRequired {
  questions: readonly Question[];
  state?: string;
}

/** The user's answer. Only one that is accepted has a content, and one to visit an address has none. */
export interface Answer {
  action: EventOf<'elicitation_resolved'>['action'];
  content?: Record<string, Json>;
}

/** With what a call goes on: the answers, by the keys of the questions. */
export interface GivenInput {
  answers: Readonly<Record<string, Answer>>;
  state?: string;
}

/** The user can be asked. `given`: the call has asked, and goes on. */
export interface CallInput {
  given?: GivenInput;
}

/** Thrown by a tool that asks. */
export class InputRequiredError extends Error {
  override readonly name = 'InputRequiredError';
  readonly required: InputRequired;

  constructor(required: InputRequired) {
    super('Not done: this tool asks the user something, and nobody can be asked here.');
    this.required = required;
  }
}
