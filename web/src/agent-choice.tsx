import { useState } from 'react';

/** Which of several agents a new conversation has. Without a choice, the server chooses. */
export function AgentChoice({
  agents,
  choose,
}: {
  agents: readonly string[];
  choose: (agent: string | undefined) => void;
}) {
  const [chosen, setChosen] = useState('');
  if (agents.length < 2) return null;
  const pick = (agent: string) => {
    setChosen(agent);
    choose(agent || undefined);
  };
  return (
    <fieldset className="agent-choice">
      <legend>Who answers</legend>
      {['', ...agents].map((agent) => (
        <label key={agent}>
          <input type="radio" name="agent" checked={agent === chosen} onChange={() => pick(agent)} />
          <bdi>{agent || 'Whoever fits'}</bdi>
        </label>
      ))}
    </fieldset>
  );
}
