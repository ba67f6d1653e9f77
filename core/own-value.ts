/**
 * The value under a key that a client, a model or a tool chooses. Inherited properties such as `constructor` are no values.
 *
 * @example
 * ownValue({ a: 1 }, 'a'); // 1
 * ownValue({ a: 1 }, 'toString'); // undefined
 */
export const ownValue = <K extends string, V>(
  map: Readonly<Record<K, V>> | undefined,
  key: NoInfer<K>,
  // biome-ignore lint/plugin: the one lookup that the rule points to
): V | undefined => (map !== undefined && Object.hasOwn(map, key) ? map[key] : undefined);
