/**
 * Says in plain words that the budget is spent, and when it goes on, in the time of whoever reads it.
 *
 * @param until when the next budget begins, in milliseconds since the epoch
 * @param options for tests: the browser's own by default
 */
export function budgetNote(
  until: number | undefined,
  { now = Date.now(), locale, timeZone }: { now?: number; locale?: string; timeZone?: string } = {},
): string {
  if (until === undefined) return 'what you may use today is used up';
  if (until <= now) return 'what you could use that day was used up; you can go on now';
  const time = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit', timeZone }).format(
    until,
  );
  return `what you may use today is used up; you can go on at ${time}, ${waitOf(until - now)}`;
}

function waitOf(ms: number): string {
  const minutes = Math.ceil(ms / 60_000);
  if (minutes < 60) return `in ${counted(minutes, 'minute')}`;
  return `in about ${counted(Math.round(minutes / 60), 'hour')}`;
}

const counted = (n: number, what: string) => `${n} ${what}${n === 1 ? '' : 's'}`;

export const asSentence = (note: string): string => `${note.charAt(0).toUpperCase()}${note.slice(1)}.`;
