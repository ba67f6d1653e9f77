/** The rules for answers to questions of MCP servers, for the server and for clients. It needs no library. */

export const FORMATS = ['email', 'uri', 'date', 'date-time'] as const;

export interface QuestionField {
  name: string;
  type: 'string' | 'number' | 'integer' | 'boolean' | 'choice' | 'choices';
  required?: true | undefined;
  format?: (typeof FORMATS)[number] | undefined;
  min?: number | undefined;
  max?: number | undefined;
  options?: readonly { value: string }[] | undefined;
}

/** Where an answer does not fit. */
export interface Misfit {
  /** The name of the field. */
  field: string;
  /** What is wrong, as the end of a sentence about it: `it must be a number`. */
  complaint: string;
}

/**
 * The first value that does not fit what was asked for. Undefined: the answer fits.
 *
 * @example misfitOf([{ name: 'age', type: 'integer', min: 18 }], { age: 3 }) // { field: 'age', complaint: 'it must be at least 18' }
 */
export function misfitOf(
  fields: readonly QuestionField[],
  content: Readonly<Record<string, unknown>>,
): Misfit | undefined {
  for (const field of fields) {
    const value = Object.hasOwn(content, field.name) ? content[field.name] : undefined;
    const complaint = value === undefined ? field.required && 'it is missing' : complaintAbout(field, value);
    if (complaint) return { field: field.name, complaint };
  }
  const foreign = Object.keys(content).find((name) => !fields.some((field) => field.name === name));
  return foreign === undefined ? undefined : { field: foreign, complaint: 'it was not asked for' };
}

function complaintAbout(field: QuestionField, value: unknown): string | undefined {
  const { type, format, options = [] } = field;
  const isOption = (chosen: unknown) => options.some((option) => option.value === chosen);
  switch (type) {
    case 'boolean':
      return typeof value === 'boolean' ? undefined : 'it must be true or false';
    case 'number':
    case 'integer':
      if (typeof value !== 'number' || !Number.isFinite(value)) return 'it must be a number';
      if (type === 'integer' && !Number.isInteger(value)) return 'it must be a whole number';
      return outside(field, value, '');
    case 'choice':
      return isOption(value) ? undefined : 'it must be one of the options';
    case 'choices':
      if (!Array.isArray(value) || !value.every(isOption)) return 'it must be a list of the options';
      if (new Set(value).size < value.length) return 'it must have each option once at most';
      return outside(field, value.length, ' options');
    case 'string':
      if (typeof value !== 'string') return 'it must be a text';
      if (format && !hasFormat(format, value)) return `it must be ${FORMAT_NAMES[format]}`;
      return outside(field, [...value].length, ' characters');
  }
}

function outside({ min, max }: QuestionField, size: number, unit: string): string | undefined {
  const verb = unit ? 'have' : 'be';
  if (min !== undefined && size < min) return `it must ${verb} at least ${min}${unit}`;
  if (max !== undefined && size > max) return `it must ${verb} at most ${max}${unit}`;
  return undefined;
}

const FORMAT_NAMES = {
  email: 'an e-mail address',
  uri: 'an address with its scheme, such as https://example.com',
  date: 'a date, such as 2026-11-30',
  'date-time': 'a time of RFC 3339, such as 2026-11-30T18:00:00Z',
} as const;

const DATE = /^\d{4}-\d\d-\d\d$/;
const TIME = /^(\d{4}-\d\d-\d\d)T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i;

function hasFormat(format: keyof typeof FORMAT_NAMES, text: string): boolean {
  switch (format) {
    case 'email':
      return /^[^\s@]+@[^\s@]+$/.test(text);
    case 'uri':
      return /^[a-z][a-z0-9+.-]*:\S+$/i.test(text);
    case 'date':
      return DATE.test(text) && isDay(text);
    case 'date-time': {
      const [, day = ''] = TIME.exec(text) ?? [];
      return isDay(day) && !Number.isNaN(Date.parse(text));
    }
  }
}

/** Not the 30th of February, which is read as the 2nd of March. */
function isDay(text: string): boolean {
  const at = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text);
}
