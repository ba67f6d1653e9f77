import type { Point } from './rule.ts';

/** Points of docs/protocol.md with a MUST that no rule and no case checks, or not completely, and why. Listed in the page's appendix A. */
export interface Gap {
  why: string;
  points: readonly Point[];
}

export const GAPS: readonly Gap[] = [
  { why: 'The kit checks that the handshake is refused, not the status.', points: ['4.1.9'] },
  { why: 'Not visible on the wire while the server works.', points: ['5.3.2', '6.1.5'] },
  { why: 'The kit cannot make the agent write an answer that is longer than a frame.', points: ['5.2.4'] },
  {
    why: 'The kit cannot make the agent ask for an approval.',
    points: ['5.5.1', '5.5.3', '5.5.4', '5.5.5', '5.5.6', '5.5.7', '5.5.8'],
  },
  {
    why: 'The kit cannot make the agent call a tool that the client runs.',
    points: ['5.8.1', '5.8.3'],
  },
  {
    why: 'The kit cannot make the agent call a tool that asks the user.',
    points: ['5.9.1', '5.9.3', '5.9.4', '5.9.5'],
  },
  { why: 'The kit does not know which tools the agent can stop.', points: ['6.5.5'] },
  { why: 'The kit cannot make a turn fail.', points: ['5.7.1', '5.7.2'] },
  { why: 'The kit cannot make the application send a message.', points: ['6.11.1'] },
  { why: 'The kit cannot make the agent answer in a form.', points: ['5.2.6', '5.2.7'] },
  { why: 'The kit cannot make the agent refuse a message.', points: ['5.7.4'] },
  { why: 'The kit cannot let its token expire.', points: ['4.4.1', '4.4.2', '4.4.3'] },
  { why: 'Events expire after a day or more.', points: ['7.3.1'] },
  { why: 'The kit would use up the limit of its own principal.', points: ['11.1.4'] },
  { why: 'A rule for later versions of a server.', points: ['15.1.1', '15.1.2'] },
  { why: 'No rule yet.', points: ['5.6.7'] },
  {
    why: 'No rule yet. The scenario tests of this repository check the product.',
    points: [
      '3.2.4',
      '4.2.8',
      '4.2.9',
      '4.5.1',
      '4.5.2',
      '4.5.3',
      '6.9.1',
      '6.9.2',
      '6.12.1',
      '6.12.2',
      '6.12.3',
      '6.12.4',
      '6.12.5',
      '6.12.6',
      '9.3.8',
      '3.4.1',
      '3.4.2',
      '5.4.4',
      '5.4.6',
      '5.4.7',
      '5.4.8',
      '5.4.9',
      '5.6.8',
      '5.6.9',
      '6.2.5',
      '6.6.3',
      '11.1.7',
      '11.1.8',
      '11.1.9',
      '11.1.10',
      '11.1.11',
      '9.1.5',
      '9.1.6',
      '9.3.2',
      '9.3.4',
      '9.3.5',
      '15.2.1',
    ],
  },
];
