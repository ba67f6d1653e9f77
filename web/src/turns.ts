import type { Item, UserItem } from '../../client/index.ts';

/** A turn's layout: its opening messages, then the answer, with steering where it was applied. */
export interface TurnSection {
  kind: 'turn';
  key: string;
  turnId: string;
  opening: UserItem[];
  answer: Item[];
}

/** A message that is in no turn yet. */
interface MessageSection {
  kind: 'message';
  key: string;
  item: UserItem;
}

export type Section = TurnSection | MessageSection;

export function sectionsOf(items: readonly Item[]): Section[] {
  const sections: Section[] = [];
  for (const item of items) {
    const turnId = turnOf(item);
    if (turnId === undefined) {
      if (item.kind === 'user') sections.push({ kind: 'message', key: item.key, item });
      continue;
    }
    let turn = sections.at(-1);
    if (turn?.kind !== 'turn' || turn.turnId !== turnId) {
      turn = { kind: 'turn', key: item.key, turnId, opening: [], answer: [] };
      sections.push(turn);
    }
    if (item.kind === 'user' && turn.answer.length === 0 && !isSteering(item)) turn.opening.push(item);
    else turn.answer.push(item);
  }
  return sections;
}

function turnOf(item: Item): string | undefined {
  if (item.kind !== 'user') return item.turnId;
  return item.state.status === 'applied' ? item.state.turnId : undefined;
}

function isSteering({ state }: UserItem): boolean {
  return state.status === 'applied' && state.step !== undefined && state.step > 1;
}
