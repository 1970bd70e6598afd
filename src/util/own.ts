/** The entry of a table by a name that may be a user's; `constructor` and its kin, which every object has, are none. */
export function own<T>(table: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}
