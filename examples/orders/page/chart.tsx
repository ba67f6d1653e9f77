import type { Parts } from '../agent/tools.ts';

/** The data part `chart`: a bar for each item. */
export function Chart({ title, bars }: Parts['chart']) {
  const most = Math.max(1, ...bars.map(([, count]) => count));
  return (
    <figure>
      <figcaption>{title}</figcaption>
      {bars.map(([label, count]) => (
        <div key={label} className="bar">
          <span>{label}</span>
          <meter max={most} value={count} aria-label={`${label}: ${count}`} />
          <b>{count}</b>
        </div>
      ))}
    </figure>
  );
}
