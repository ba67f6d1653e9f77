import { type FormEvent, useId, useState } from 'react';
import { visible } from '../../client/display.ts';
import { type Answer, misfitIn, type Question, type QuestionField } from '../../client/elicitation.ts';
import { controlName, partsOfUrl, valuesOf } from './question-values.ts';
import { TimeLeft } from './time-left.tsx';

/** What an MCP server asks the user, until it is answered. Its texts are shown as texts: no link, no markup. */
export function QuestionCard({
  question,
  answer,
}: {
  question: Question;
  /** @throws what the server refuses, whose message is for the user */
  answer: (answer: Answer) => Promise<unknown>;
}) {
  const { server, tool, message, fields, url, resolved } = question;
  const titleId = useId();
  const [isSending, setSending] = useState(false);
  const [problem, setProblem] = useState<{ field?: string; text: string }>();

  async function send(given: Answer): Promise<void> {
    setProblem(undefined);
    setSending(true);
    try {
      await answer(given);
    } catch (error) {
      setSending(false);
      setProblem({ text: error instanceof Error ? error.message : String(error) });
    }
  }

  function submit(event: FormEvent<HTMLFormElement>): void {
    event.preventDefault();
    const content = valuesOf(fields, new FormData(event.currentTarget));
    const misfit = url === undefined ? misfitIn(question, content) : undefined;
    if (misfit) {
      setProblem({ field: misfit.field, text: `${misfit.complaint}.` });
      const at = fields.findIndex(({ name }) => name === misfit.field);
      event.currentTarget.querySelector<HTMLElement>(`[name="${controlName(at)}"]`)?.focus();
      return;
    }
    void send(url === undefined ? { action: 'accept', content } : { action: 'accept' });
  }

  if (resolved) return null;
  return (
    <section className="approval question" aria-labelledby={titleId}>
      <h3 id={titleId}>
        <code>{visible(server)}</code> asks you, for <code>{tool}</code>
      </h3>
      <p dir="auto" className="question-message">
        {visible(message)}
      </p>
      <form onSubmit={submit} noValidate>
        {fields.map((field, index) => (
          <Field
            key={field.name}
            field={field}
            name={controlName(index)}
            problem={problem?.field === field.name ? problem.text : undefined}
          />
        ))}
        {url !== undefined && <Address url={url} />}
        {problem && problem.field === undefined && (
          <p className="question-problem" role="alert">
            {problem.text}
          </p>
        )}
        <p className="approval-choice">
          <button type="submit" className="button primary" disabled={isSending}>
            {url === undefined ? 'Send' : 'I am done there: continue'}
          </button>
          <button
            type="button"
            className="button"
            disabled={isSending}
            onClick={() => void send({ action: 'decline' })}
          >
            Decline
          </button>
          <button
            type="button"
            className="link approval-always"
            disabled={isSending}
            onClick={() => void send({ action: 'cancel' })}
          >
            Not now
          </button>
        </p>
      </form>
      <p className="note" role="status">
        {isSending ? 'Answering…' : 'Only this server gets what you enter.'}
      </p>
      {!isSending && (
        <p className="note">
          Counts as cancelled <TimeLeft asked={question} />.
        </p>
      )}
    </section>
  );
}

/** Nothing of it is loaded before the user opens it. */
function Address({ url }: { url: string }) {
  const [before, host, after] = partsOfUrl(url);
  return (
    <>
      <p className="question-url" dir="ltr">
        {before}
        <strong>{host}</strong>
        {after}
      </p>
      {host.includes('xn--') && (
        <p className="question-problem">
          This address has letters of other scripts, which can look like others.
        </p>
      )}
      <p>
        <a className="button" href={url} target="_blank" rel="noopener noreferrer">
          Open {host}
        </a>
      </p>
    </>
  );
}

function Field({
  field,
  name,
  problem,
}: {
  field: QuestionField;
  name: string;
  problem: string | undefined;
}) {
  const id = useId();
  const { type, title, description, required } = field;
  const label = (
    <>
      <span dir="auto">{visible(title ?? field.name)}</span>
      {!required && type !== 'boolean' && <span className="note"> (optional)</span>}
    </>
  );
  const described = { 'aria-describedby': `${id}-words`, 'aria-invalid': problem !== undefined };
  const words = (
    <span id={`${id}-words`}>
      {description !== undefined && (
        <span className="note" dir="auto">
          {visible(description)}
        </span>
      )}
      {problem !== undefined && (
        <span className="question-problem" role="alert">
          {problem}
        </span>
      )}
    </span>
  );
  if (type === 'choices')
    return (
      <fieldset className="question-field" {...described}>
        <legend>{label}</legend>
        {field.options?.map(({ value, title: shown }) => (
          <label key={value} className="question-option">
            <input
              type="checkbox"
              name={name}
              value={value}
              defaultChecked={Array.isArray(field.default) && field.default.includes(value)}
            />
            <span dir="auto">{visible(shown ?? value)}</span>
          </label>
        ))}
        {words}
      </fieldset>
    );
  if (type === 'boolean')
    return (
      <p className="question-field">
        <label className="question-option">
          <input type="checkbox" name={name} defaultChecked={field.default === true} {...described} />
          {label}
        </label>
        {words}
      </p>
    );
  const preset = typeof field.default === 'object' ? '' : String(field.default ?? '');
  return (
    <p className="question-field">
      <label htmlFor={id}>{label}</label>
      {type === 'choice' ? (
        <select id={id} name={name} defaultValue={preset} {...described}>
          {(preset === '' || !required) && <option value="">Choose…</option>}
          {field.options?.map(({ value, title: shown }) => (
            <option key={value} value={value}>
              {visible(shown ?? value)}
            </option>
          ))}
        </select>
      ) : (
        <input
          id={id}
          name={name}
          dir="auto"
          type={inputType(field)}
          {...(type === 'number' && { step: 'any' })}
          defaultValue={preset}
          autoComplete="off"
          {...described}
        />
      )}
      {words}
    </p>
  );
}

function inputType({ type, format }: QuestionField): string {
  if (type === 'number' || type === 'integer') return 'number';
  if (format === 'email' || format === 'date') return format;
  return format === 'uri' ? 'url' : 'text';
}
