import type { ApprovalItem, Content, ContentPart, SendOptions } from '../client/index.ts';

export type Command =
  | { kind: 'send'; content: Content; delivery: NonNullable<SendOptions['delivery']> }
  | { kind: 'stop' }
  /** `which`: the number on the screen, from 1; undefined for the newest message. */
  | { kind: 'cancel'; which: number | undefined }
  | { kind: 'decide'; decision: NonNullable<ApprovalItem['decision']> }
  /** Of a question of an MCP server. Undefined: it is declined. */
  | { kind: 'answer'; text: string | undefined }
  | { kind: 'trusted' }
  /** `which`: the number in the list of `/trusted`, from 1; undefined for all. */
  | { kind: 'revoke'; which: number | undefined }
  | { kind: 'help' }
  | { kind: 'quit' }
  | { kind: 'nothing' }
  | { kind: 'unknown'; name: string };

export const HELP = [
  'What you type while it answers steers the answer.',
  '/now text         cut in: what it said is kept, and it goes on with this',
  '/queue text       after this answer, with an answer of its own',
  '/image url text   an image by its https address, and what there is to say about it',
  '/stop             stop the answer; what it said is kept',
  '/cancel [n]       withdraw a message that still waits: number n, or the newest',
  '/approve          let the tool run that asks; /always, or /deny',
  '/answer value     answer what a server asks; /decline',
  '/trusted          what runs without being asked about, since you answered /always',
  '/revoke [n]       ask again about number n of these, or about all',
  '/quit             leave; a running answer runs on',
  '//text            send text that begins with a slash',
];

/** Parses a typed line. */
export function readCommand(line: string): Command {
  const text = line.trim();
  if (text === '') return { kind: 'nothing' };
  if (text.startsWith('//')) return { kind: 'send', content: text.slice(1), delivery: 'steer' };
  const [, name = '', rest = ''] = /^\/(\S*)\s*(.*)$/s.exec(text) ?? [];
  if (!text.startsWith('/')) return { kind: 'send', content: text, delivery: 'steer' };
  switch (name) {
    case 'now':
    case 'queue':
      return rest === ''
        ? { kind: 'unknown', name: `${name} without text` }
        : { kind: 'send', content: rest, delivery: name };
    case 'image':
      return imageCommand(rest);
    case 'cancel':
    case 'revoke':
      return /^\d*$/.test(rest)
        ? { kind: name, which: rest === '' ? undefined : Number(rest) }
        : { kind: 'unknown', name: `${name} ${rest}` };
    case 'approve':
    case 'always':
    case 'deny':
      return { kind: 'decide', decision: name };
    case 'answer':
      return { kind: 'answer', text: rest };
    case 'decline':
      return { kind: 'answer', text: undefined };
    case 'stop':
    case 'trusted':
    case 'help':
    case 'quit':
      return { kind: name };
    default:
      return { kind: 'unknown', name };
  }
}

function imageCommand(rest: string): Command {
  const [, url = '', text = ''] = /^(\S*)\s*(.*)$/s.exec(rest) ?? [];
  if (!url.startsWith('https://')) return { kind: 'unknown', name: 'image without an https address' };
  const image: ContentPart = { type: 'image', url };
  const content = text === '' ? [image] : [image, { type: 'text' as const, text }];
  return { kind: 'send', content, delivery: 'steer' };
}
