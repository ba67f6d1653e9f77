/** Which of several agents a new conversation has. Without a choice, the server chooses. */
export function AgentChoice({
  agents,
  wish = '',
  choose,
}: {
  agents: readonly string[];
  wish: string | undefined;
  choose: (agent: string | undefined) => void;
}) {
  if (agents.length < 2) return null;
  return (
    <fieldset className="agent-choice">
      <legend>Who answers</legend>
      {['', ...agents].map((agent) => (
        <label key={agent}>
          <input
            type="radio"
            name="agent"
            checked={agent === wish}
            onChange={() => choose(agent || undefined)}
          />
          <bdi>{agent || 'Whoever fits'}</bdi>
        </label>
      ))}
    </fieldset>
  );
}
