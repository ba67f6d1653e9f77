interface Definition {
  name: string;
}

/** What has changed between two lists of a server's tools, by the server's names: for the log. At most ten names each. */
export function changedTools(
  before: readonly Definition[],
  after: readonly Definition[],
): Record<'added' | 'removed' | 'changed', string[]> {
  const texts = (list: readonly Definition[]) => new Map(list.map((one) => [one.name, JSON.stringify(one)]));
  const [old, now] = [texts(before), texts(after)];
  const names = (map: ReadonlyMap<string, string>, isNamed: (name: string, text: string) => boolean) =>
    [...map].flatMap(([name, text]) => (isNamed(name, text) ? [name.slice(0, 64)] : [])).slice(0, 10);
  return {
    added: names(now, (name) => !old.has(name)),
    removed: names(old, (name) => !now.has(name)),
    changed: names(now, (name, text) => old.has(name) && old.get(name) !== text),
  };
}
