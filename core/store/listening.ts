/**
 * What an audience says of a connection, as one number. A later state is a larger number, so a write that demands that the
 * stored number is not larger never undoes a later one, however late it comes (`isNotNewer`).
 *
 *     join * 2^33 + seq * 2 + (1 if it is live)
 *
 * Items of earlier versions have 0 (catching up) and 1 (live): join 0, from the first event on.
 */
export type Listening = number;

export interface ListeningState {
  /** Counts the replays to this connection. Only the function that has made the last one writes to the connection. */
  join: number;
  /** Live: a worker posts what follows this event. Catching up: a replay has posted everything up to it. */
  seq: number;
  isLive: boolean;
}

const JOIN = 2 ** 33;

export const listening = ({ join, seq, isLive }: ListeningState): Listening =>
  join * JOIN + seq * 2 + (isLive ? 1 : 0);

export function readListening(value: Listening): ListeningState {
  const join = Math.floor(value / JOIN);
  const rest = value - join * JOIN;
  return { join, seq: Math.floor(rest / 2), isLive: rest % 2 === 1 };
}
