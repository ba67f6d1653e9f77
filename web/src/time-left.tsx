import { useEffect, useState } from 'react';
import { type Asked, asClock, inWords, secondsLeft } from './seconds-left.ts';

/** How long an answer still counts: "in 1:45", second by second. A screen reader is not told each one. */
export function TimeLeft({ asked }: { asked: Asked }) {
  const [now, setNow] = useState(Date.now);
  const left = secondsLeft(asked, now);
  const isCounting = left !== undefined && left > 0;
  useEffect(() => {
    if (!isCounting) return;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [isCounting]);
  if (left === undefined) return <>{inWords(asked.timeoutSeconds)} after it was asked</>;
  return (
    <span role="timer" className="time-left">
      in {asClock(left)}
    </span>
  );
}
