/**
 * The statements of a schema diff in an order that can be run: what is needed is made before what needs it and dropped after it (pg_depend, as it
 * was and as it is), a name is free before it is taken, foreign keys and what hangs on tables go first and come last.
 */
import type { DiffSides } from './diffSpan.js';
import { Dependencies } from './ddlObjects.js';
import type { ObjectKey } from './objectKey.js';
import type { SchemaChange } from './schemaDiff.js';

export interface ScriptStep {
  change: SchemaChange;
  /** Empty: no statement is known for the change, or another one brings it along. */
  sql: readonly string[];
}

/** The changes' statements; a change may stand in several places. */
export function schemaScript({ before, after }: DiffSides, changes: readonly SchemaChange[]): ScriptStep[] {
  const order = new ChangeOrder(changes, new Dependencies(before).statements().needs, new Dependencies(after).statements().needs);
  const steps = (part: 'first' | 'last'): ScriptStep[] => changes.filter((change) => change[part].length > 0).map((change) => ({ change, sql: change[part] }));
  const middle = order.sorted().filter(({ first, sql, last }) => sql.length > 0 || first.length + last.length === 0).map((change) => ({ change, sql: change.sql }));
  return [...steps('first'), ...middle, ...steps('last')];
}

type Needs = ReadonlyMap<ObjectKey, ReadonlySet<ObjectKey>>;
type Step = 'create' | 'alter' | 'drop';

function stepOf({ change, table, object }: SchemaChange): Step {
  if (table === null) return change === 'added' ? 'create' : change === 'dropped' ? 'drop' : 'alter';
  return object === 'column' && change === 'dropped' ? 'drop' : 'alter';
}

class ChangeOrder {
  private readonly steps: readonly Step[];
  private readonly byKey = new Map<ObjectKey, number[]>();
  private readonly dependents = new Map<ObjectKey, Set<ObjectKey>>();
  /** Changes that free a name. */
  private readonly freed = new Map<string, number[]>();

  constructor(private readonly changes: readonly SchemaChange[], needsBefore: Needs, private readonly needsAfter: Needs) {
    this.steps = changes.map(stepOf);
    changes.forEach(({ key, table, change, name }, i) => {
      if (key !== undefined) append(this.byKey, key, i);
      if (table === null && (change === 'dropped' || change === 'renamed')) append(this.freed, name, i);
    });
    for (const [from, list] of needsBefore) for (const to of list) this.dependents.set(to, (this.dependents.get(to) ?? new Set()).add(from));
  }

  /** As they came, but each after what it waits for; a circle is broken where it is met. */
  sorted(): SchemaChange[] {
    const done = new Set<number>();
    const sorted: SchemaChange[] = [];
    const visit = (i: number): void => {
      if (done.has(i)) return;
      done.add(i);
      for (const other of this.waitsFor(i).sort((a, b) => a - b)) visit(other);
      sorted.push(this.changes[i]!);
    };
    this.changes.forEach((_, i) => visit(i));
    return sorted;
  }

  private waitsFor(i: number): number[] {
    const { key, table, change, name, after } = this.changes[i]!;
    const taken = table !== null ? null : change === 'added' ? name : change === 'renamed' ? after : null;
    const waits = (taken === null ? [] : (this.freed.get(taken) ?? [])).filter((other) => other !== i);
    if (key === undefined) return waits;
    const isDrop = this.steps[i] === 'drop';
    const others = (isDrop ? this.dependents.get(key) : this.needsAfter.get(key)) ?? [];
    for (const other of others) if (other !== key) waits.push(...(this.byKey.get(other) ?? []).filter((n) => isDrop || this.steps[n] !== 'drop'));
    // a column goes when the others have come
    if (isDrop && table !== null) waits.push(...this.byKey.get(key)!.filter((n) => this.steps[n] === 'alter' && n < i));
    return waits;
  }
}

function append<K>(map: Map<K, number[]>, key: K, value: number): void {
  const list = map.get(key);
  if (list) list.push(value);
  else map.set(key, [value]);
}
