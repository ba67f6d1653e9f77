import { type FormEvent, useState } from 'react';

/** Asks for a token, for servers that require authentication. */
export function TokenForm({ enter }: { enter: (token: string) => void }) {
  const [token, setToken] = useState('');
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (token.trim() !== '') enter(token);
  };
  return (
    <form className="token-form" onSubmit={submit}>
      <label>
        <span>Access token</span>
        <input
          type="password"
          value={token}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => setToken(event.target.value)}
        />
      </label>
      <button type="submit" className="button">
        Connect
      </button>
      <p>Kept in this tab until it is closed, and sent to this server alone.</p>
    </form>
  );
}
