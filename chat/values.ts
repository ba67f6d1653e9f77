import { visible } from '../client/display.ts';
import { type ApprovalItem, argumentsText } from '../client/index.ts';

/** A tool's arguments or output as a part of one line: `city: "Lisbon", days: 3`. A text stays as it is. */
export function brief(value: unknown): string {
  if (typeof value === 'string') return value;
  return isRecord(value) ? entriesOf(value).join(', ') : JSON.stringify(value);
}

/**
 * The whole arguments that a person is asked about, a line for each. A text keeps its quotes and its escapes: without them, a
 * line break in a value could show an argument that does not exist.
 */
export function argumentLines(item: Pick<ApprovalItem, 'arguments' | 'summary'>): string[] {
  const lines = isRecord(item.arguments) ? entriesOf(item.arguments) : argumentsText(item).split('\n');
  return lines.map((line) => `  ${visible(line)}`);
}

function entriesOf(value: Record<string, unknown>): string[] {
  return Object.entries(value).map(([name, held]) => `${nameOf(name)}: ${JSON.stringify(held)}`);
}

/** A name with other characters could look like a name and a value. */
const nameOf = (name: string): string => (/^[\w.-]+$/.test(name) ? name : JSON.stringify(name));

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
