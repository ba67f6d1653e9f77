import type { QuestionField } from '../../client/elicitation.ts';

/** The name of a field's control: the server's name may be anything. */
export const controlName = (index: number): string => `field-${index}`;

/** What a form has, as the values that were asked for. What was left empty is left out. */
export function valuesOf(
  fields: readonly QuestionField[],
  form: Pick<FormData, 'getAll'>,
): Record<string, unknown> {
  return Object.fromEntries(
    fields.flatMap((field, index) => {
      const value = givenValue(field, form.getAll(controlName(index)).map(String));
      return value === undefined ? [] : [[field.name, value]];
    }),
  );
}

function givenValue({ type, required }: QuestionField, given: readonly string[]): unknown {
  const [text = ''] = given;
  switch (type) {
    case 'boolean':
      return given.length > 0;
    case 'choices':
      return given.length > 0 || required ? given : undefined;
    case 'number':
    case 'integer':
      return text.trim() === '' ? undefined : Number(text);
    default:
      return text === '' ? undefined : text;
  }
}

/** An address in three parts, the middle one being its host. */
export function partsOfUrl(text: string): [before: string, host: string, after: string] {
  const { host } = new URL(text);
  const at = text.indexOf(host);
  return [text.slice(0, at), host, text.slice(at + host.length)];
}
