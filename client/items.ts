import type { Item, ToolItem, UserItem } from './state.ts';

/** Items that events and the transcript make alike. Each function changes the list that it is given. */

/** Where an item comes from. */
interface Head {
  key: string;
  turnId: string;
}

/** Text goes on in the turn's last item, if that is of the same kind. */
export function addText(items: Item[], head: Head, kind: 'text' | 'thinking', content: string): void {
  const at = items.length - 1;
  const last = items[at];
  if (last?.kind === kind && last.turnId === head.turnId)
    items[at] = { ...last, content: last.content + content };
  else items.push({ kind, ...head, content });
}

interface Call {
  id: string;
  name: string;
  args?: ToolItem['args'];
}

/** A call of a tool. Without `args`, its call itself is not known. */
export function addTool(
  items: Item[],
  head: Head,
  { id, name, args = null }: Call,
  shown: Partial<ToolItem> = {},
): void {
  items.push({ kind: 'tool', ...head, id, name, args, progress: undefined, result: undefined, ...shown });
}

/** What a call shows until its next value, or its result. */
export function showTool(
  items: Item[],
  head: Head,
  call: Call,
  shown: Pick<ToolItem, 'progress' | 'result'>,
): void {
  const at = items.findLastIndex(
    (item) => item.kind === 'tool' && item.turnId === head.turnId && item.id === call.id,
  );
  const item = items[at];
  if (item?.kind === 'tool') items[at] = { ...item, ...shown };
  else addTool(items, head, call, shown);
}

/** A message that a turn has taken in. */
export const takenItem = (
  { id, content }: Pick<UserItem, 'id' | 'content'>,
  turnId: string,
  step: number,
  delivery: UserItem['delivery'] = 'steer',
): UserItem => ({
  kind: 'user',
  key: `user:${id}`,
  id,
  content,
  delivery,
  state: { status: 'applied', turnId, step },
  withdrawing: false,
});
