import { type Item, textOf } from 'midturn-client';
import { uploadFile } from 'midturn-client/files';
import { type MidturnView, useMidturn } from 'midturn-client/react';
import { type FormEvent, useState } from 'react';
import type { Parts } from '../agent/tools.ts';
import { Asked } from './asked.tsx';
import { Chart } from './chart.tsx';

interface Props {
  url: string;
  token: string;
  session: string;
}

export function Conversation({ url, token, session }: Props) {
  const chat = useMidturn(session, { url, token });
  const [problem, setProblem] = useState('');
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = event.currentTarget;
    const data = new FormData(form);
    const text = String(data.get('message'));
    const file = data.get('file');
    setProblem('');
    try {
      if (file instanceof File && file.size > 0 && chat.chat)
        chat.send([await uploadFile(chat.chat, file), { type: 'text', text }]);
      else chat.send(text);
      form.reset();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <main>
      <ol>
        {chat.state.items.map((item) => (
          <Line key={item.key} item={item} approve={chat.approve} />
        ))}
      </ol>
      {problem && <p role="alert">{problem}</p>}
      <form onSubmit={submit}>
        <input name="message" aria-label="Message" required pattern=".*\S.*" autoComplete="off" />
        <input name="file" type="file" aria-label="File" accept="image/*,application/pdf" />
        <button type="submit">{chat.state.activeTurn ? 'Steer' : 'Send'}</button>
      </form>
    </main>
  );
}

function Line({ item, approve }: { item: Item; approve: MidturnView['approve'] }) {
  switch (item.kind) {
    case 'user':
      return (
        <li className={item.from ?? 'user'} data-state={item.state.status}>
          {textOf(item.content)}
          {item.state.status === 'rejected' && <em> not sent: {item.state.message}</em>}
        </li>
      );
    case 'text':
      return <li className="answer">{item.content}</li>;
    case 'tool':
      return (
        <li className="tool">
          {item.name}:{' '}
          {item.name === 'returns' ? (
            <Asked shown={item.result?.output ?? item.progress} />
          ) : (
            JSON.stringify(item.result?.output ?? item.progress ?? '…')
          )}
        </li>
      );
    case 'data':
      return item.name === 'chart' ? (
        <li>
          {/* Its shape is what the agent's tool sends (agent/tools.ts). */}
          <Chart {...(item.data as Parts['chart'])} />
        </li>
      ) : null;
    case 'approval':
      return item.resolved ? null : (
        <li className="approval">
          {item.tool} {item.summary}{' '}
          <button type="button" onClick={() => approve(item.requestId, 'approve')}>
            Allow
          </button>{' '}
          <button type="button" onClick={() => approve(item.requestId, 'deny')}>
            Refuse
          </button>
        </li>
      );
    case 'turn_end':
      return item.outcome.result === 'failed' ? <li className="failed">{item.outcome.message}</li> : null;
    default:
      return null;
  }
}
