/**
 * Something that is made of secrets, and made again when one of those that it was made of has changed.
 *
 * @param read gives a secret's text, from its own cache
 * @param make is given `read`; the secrets that it reads are watched
 * @param keptLast told if the new secrets cannot be used: the last thing stays in use
 */
export function madeOfSecrets<Thing>(
  read: (name: string) => Promise<string>,
  make: (secret: (name: string) => Promise<string>) => Promise<Thing>,
  keptLast: (error: unknown) => void,
): () => Promise<Thing> {
  let made: { thing: Thing; of: ReadonlyMap<string, string> } | undefined;
  let making: Promise<Thing> | undefined;

  async function makeAnew(): Promise<Thing> {
    const of = new Map<string, string>();
    const last = made;
    try {
      const thing = await make(async (name) => {
        const text = await read(name);
        of.set(name, text);
        return text;
      });
      made = { thing, of };
      return thing;
    } catch (error) {
      if (!last) throw error;
      keptLast(error);
      return last.thing;
    } finally {
      making = undefined;
    }
  }

  const isCurrent = async (of: ReadonlyMap<string, string>): Promise<boolean> => {
    const same = await Promise.all([...of].map(async ([name, text]) => (await read(name)) === text));
    return same.every(Boolean);
  };

  return async () => {
    if (made && (await isCurrent(made.of))) return made.thing;
    making ??= makeAnew();
    return making;
  };
}
