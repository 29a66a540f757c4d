/** Whether two values are equal as JSON: whatever the order of their keys, and an undefined property is an absent one. */
export function sameValue(left: unknown, right: unknown): boolean {
  if (left === right) return true;
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null) return false;
  if (Array.isArray(left) || Array.isArray(right)) {
    if (!Array.isArray(left) || !Array.isArray(right) || left.length !== right.length) return false;
    return left.every((item, index) => sameValue(item, right[index]));
  }
  return sameMembers(left, right, sameValue);
}

/** Whether two objects have equal properties, as `same` says. */
export function sameMembers(left: object, right: object, same: (a: unknown, b: unknown) => boolean): boolean {
  const rights = right as Readonly<Record<string, unknown>>;
  let members = 0;
  for (const [name, value] of Object.entries(left)) {
    if (value === undefined) continue;
    members++;
    if (!Object.hasOwn(rights, name) || !same(value, rights[name])) return false;
  }
  return Object.values(rights).filter((value) => value !== undefined).length === members;
}
