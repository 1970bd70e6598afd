/**
 * The order in which a server reads the partitions of a table: that of its partition descriptor. Follows partition_bounds_create(),
 * create_{hash,list,range}_bounds() and partition_rbound_cmp(), partitioning/partbounds.c, PG 13–18.
 */
import { list, token } from '../catalog/ruleutils/nodes.js';
import { isNode, NodeTreeError, parseNodeTree, type TreeNode, type TreeValue } from '../catalog/ruleutils/nodeTree.js';
import { compareFunction, type CompareValues } from '../rows/compare.js';
import { isExtended, plainHeaderSize } from '../rows/varlena.js';
import type { DatabaseAt } from './session.js';

/** What sorts the bounds of one partitioned table. */
interface PartitionKey {
  /** l list, r range, h hash. */
  strategy: string;
  /** A comparison a column; undefined where its order is not known here. */
  compare: readonly (CompareValues | undefined)[];
}

/** Sorts the partitions of each partitioned table; those whose bounds cannot be compared here keep the order of their OIDs. */
export class PartitionOrder {
  private keys: Map<number, PartitionKey> | undefined;
  private bounds: Map<number, TreeNode> | undefined;

  constructor(private readonly database: DatabaseAt) {}

  /** The partitions by their bounds, the default one last. */
  sort(parentOid: number, partitions: readonly number[]): number[] {
    const key = this.keyOf(parentOid);
    const byOid = [...partitions].sort((a, b) => a - b);
    const bounds = this.boundsByPartition();
    const isDefault = (oid: number): boolean => bounds.has(oid) && token(bounds.get(oid)!, 'is_default') === 'true';
    const others = byOid.filter((oid) => bounds.has(oid) && !isDefault(oid)).map((oid) => ({ oid, bound: bounds.get(oid)! }));
    const sorted = key === undefined ? others : sortOrKeep(key, others);
    return [...sorted.map((each) => each.oid), ...byOid.filter((oid) => !bounds.has(oid)), ...byOid.filter(isDefault)];
  }

  private keyOf(parentOid: number): PartitionKey | undefined {
    if (!this.keys) {
      const { types } = this.database;
      const keys = new Map<number, PartitionKey>();
      this.database.catalog.scan('pg_partitioned_table', (row) => {
        const strategy = row.char('partstrat');
        const collations = row.numbers('partcollation', 4, false);
        const compare = row.numbers('partclass', 4, false).map((opclass, i) => {
          const symbol = strategy === 'h' ? undefined : types.orderFunction(opclass);
          return symbol === undefined ? undefined : compareFunction(symbol, { cCollation: this.database.isCCollation(collations[i]!), enumSortOrder: (label) => types.enumSortOrder(label) });
        });
        keys.set(row.oid('partrelid'), { strategy, compare });
      });
      this.keys = keys;
    }
    return this.keys.get(parentOid);
  }

  private boundsByPartition(): Map<number, TreeNode> {
    if (this.bounds) return this.bounds;
    const bounds = new Map<number, TreeNode>();
    this.database.catalog.scan('pg_class', (row) => {
      const text = row.isNull('relpartbound') ? null : row.text('relpartbound');
      if (text === null) return;
      const tree = parseNodeTree(text);
      if (isNode(tree)) bounds.set(row.oid('oid'), tree);
    });
    return (this.bounds = bounds);
  }
}

interface Bounded {
  oid: number;
  bound: TreeNode;
}

function sortOrKeep(key: PartitionKey, partitions: readonly Bounded[]): readonly Bounded[] {
  try {
    return sortBounds(key, partitions);
  } catch (error) {
    // the rows are the same in any order
    if (!(error instanceof NodeTreeError)) throw error;
    return partitions;
  }
}

function sortBounds(key: PartitionKey, partitions: readonly Bounded[]): Bounded[] {
  if (key.strategy === 'h') {
    const number = ({ bound }: Bounded, field: string): number => Number(token(bound, field));
    return [...partitions].sort((a, b) => number(a, 'modulus') - number(b, 'modulus') || number(a, 'remainder') - number(b, 'remainder'));
  }
  if (key.compare.some((compare) => compare === undefined)) return [...partitions];
  const compare = key.compare as CompareValues[];
  return key.strategy === 'l' ? sortLists(compare[0]!, partitions) : sortRanges(compare, partitions);
}

/** By the least of its values; a partition for NULL alone comes behind them. */
function sortLists(compare: CompareValues, partitions: readonly Bounded[]): Bounded[] {
  const withLeast = partitions.map((partition) => {
    const values = list(partition.bound, 'listdatums').map(constantOf).filter((value) => value !== null);
    return { partition, least: values.length === 0 ? undefined : values.reduce((a, b) => (compare(b, a) < 0 ? b : a)) };
  });
  const order = (a: Uint8Array | undefined, b: Uint8Array | undefined): number => (!a || !b ? Number(!a) - Number(!b) : compare(a, b));
  return withLeast.sort((a, b) => order(a.least, b.least)).map((each) => each.partition);
}

/** By the lower bound: partitions do not overlap. */
function sortRanges(compare: readonly CompareValues[], partitions: readonly Bounded[]): Bounded[] {
  const lower = partitions.map((partition) => ({ partition, datums: list(partition.bound, 'lowerdatums').map(rangeDatum) }));
  const order = (a: RangeDatum[], b: RangeDatum[]): number => {
    for (let i = 0; i < compare.length; i++) {
      const x = a[i]!, y = b[i]!;
      if (x.kind !== y.kind) return x.kind - y.kind;
      // MINVALUE and MAXVALUE leave nothing to compare behind them
      if (x.kind !== 0) return 0;
      const result = compare[i]!(x.value!, y.value!);
      if (result !== 0) return result;
    }
    return 0;
  };
  return lower.sort((a, b) => order(a.datums, b.datums)).map((each) => each.partition);
}

interface RangeDatum {
  /** −1 MINVALUE, 0 a value, 1 MAXVALUE. */
  kind: number;
  value: Uint8Array | null;
}

function rangeDatum(datum: TreeValue): RangeDatum {
  if (!isNode(datum)) throw new NodeTreeError('a range bound without a datum');
  const kind = Number(token(datum, 'kind'));
  return { kind, value: kind === 0 ? constantOf(datum.fields.get('value') ?? null) : null };
}

/** The plain value of a CONST, as comparisons take it; null for NULL. */
function constantOf(value: TreeValue): Uint8Array | null {
  if (!isNode(value)) throw new NodeTreeError('a partition bound that is no constant');
  const bytes = value.fields.get('constvalue');
  if (!(bytes instanceof Uint8Array)) return null;
  if (token(value, 'constlen') !== '-1') return bytes;
  if (isExtended(bytes[0]!)) throw new NodeTreeError('a partition bound that is compressed');
  return bytes.subarray(plainHeaderSize(bytes[0]!));
}
