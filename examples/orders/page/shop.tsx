import { type FormEvent, useState } from 'react';
import { Conversation } from './conversation.tsx';

/** Users of the local cloud, by their tokens (.env). In production the token comes from the login page of the user pool. */
const USERS = {
  'ann-token': 'Ann, customer of Acme',
  'tim-token': 'Tim, on trial at Acme',
  'sue-token': 'Sue, staff of Acme',
  'eve-token': 'Eve, customer of Umbrella',
};

export function Shop({ url }: { url: string }) {
  const [token, setToken] = useState(sessionStorage.getItem('token') ?? '');
  const [session, setSession] = useState(() => location.hash.slice(1) || crypto.randomUUID());
  const enter = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const chosen = String(new FormData(event.currentTarget).get('user'));
    sessionStorage.setItem('token', chosen);
    setToken(chosen);
  };
  if (!token) {
    return (
      <form className="enter" onSubmit={enter}>
        <label>
          Who are you?{' '}
          <select name="user">
            {Object.entries(USERS).map(([value, name]) => (
              <option key={value} value={value}>
                {name}
              </option>
            ))}
          </select>
        </label>
        <button type="submit">Enter</button>
      </form>
    );
  }
  const leave = () => {
    sessionStorage.removeItem('token');
    setToken('');
    setSession(crypto.randomUUID());
  };
  location.hash = session;
  return (
    <>
      <header>
        <h1>The shop</h1>
        <button type="button" onClick={leave}>
          Leave
        </button>
      </header>
      <Conversation url={url} token={token} session={session} />
    </>
  );
}
