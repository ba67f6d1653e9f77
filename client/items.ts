import type { ApprovalItem, Item, ToolItem, UserItem } from './state.ts';

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
  const isShown = changeItem(items, 'tool', isCall(head, call.id), (item) => ({
    ...item,
    request: undefined,
    ...shown,
  }));
  if (!isShown) addTool(items, head, call, shown);
}

/** Whether an item is this call of the turn. */
export const isCall =
  ({ turnId }: Head, id: string) =>
  (item: ToolItem): boolean =>
    item.turnId === turnId && item.id === id;

/** Whether an item is the approval with this request. */
export const isAskedAs =
  (requestId: string) =>
  (item: ApprovalItem): boolean =>
    item.requestId === requestId;

type ItemOf<K extends Item['kind']> = Extract<Item, { kind: K }>;

/**
 * Changes the last item of this kind that is the one.
 *
 * @returns whether there is one
 */
export function changeItem<K extends Item['kind']>(
  items: Item[],
  kind: K,
  isOne: (item: ItemOf<K>) => boolean,
  change: (item: ItemOf<K>) => Item,
): boolean {
  const isOfKind = (item: Item): item is ItemOf<K> => item.kind === kind;
  const at = items.findLastIndex((item) => isOfKind(item) && isOne(item));
  const item = items[at];
  if (!item || !isOfKind(item)) return false;
  items[at] = change(item);
  return true;
}

/** A message that a turn has taken in. */
export const takenItem = (
  { id, content, from }: Pick<UserItem, 'id' | 'content' | 'from'>,
  turnId: string,
  step: number,
  delivery: UserItem['delivery'] = 'steer',
): UserItem => ({
  kind: 'user',
  key: `user:${id}`,
  id,
  content,
  from,
  delivery,
  state: { status: 'applied', turnId, step },
  withdrawing: false,
});
