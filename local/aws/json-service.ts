import type { Operation } from './operations.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A service of the local cloud that answers JSON by itself. */
export interface JsonService {
  /** The permissions that a request needs. What does not exist has an ARN too. */
  operation(name: string, body: Fields): Operation;
  answer(name: string, body: Fields): JsonAnswer | Promise<JsonAnswer>;
}

export interface JsonAnswer {
  status: 200 | 400 | 500;
  body: object;
}
