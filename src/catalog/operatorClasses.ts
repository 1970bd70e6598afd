/** Operator classes: their names where they must be said, and which operators sort a type without being named. */
import { quoteIdentifier } from '../util/quote.js';
import type { Catalog } from './catalog.js';
import { isSearched } from './catalogOids.js';
import type { TypeCatalog } from './typeCatalog.js';

const BTREE_AM = 403;
const HASH_AM = 405;
const LESS_STRATEGY = 1;
const GREATER_STRATEGY = 5;
/** Classes of pseudo-types serve every type of a kind. */
const ANY_OF: Record<string, number> = { e: 3500, r: 3831, m: 4537, c: 2249 };
const ANYARRAY = 2277;
const ARRAY_OUTPUTS = new Set(['array_out', 'int2vectorout']);

interface OperatorClass {
  oid: number;
  name: string;
  namespaceOid: number;
  isDefault: boolean;
  method: number;
  family: number;
  inputType: number;
}

export interface DefaultOrder {
  /** OIDs of the operators < and >; 0: the type has none. */
  less: number;
  greater: number;
}

export class OperatorClasses {
  private rows: Map<number, OperatorClass> | undefined;
  private members: Map<string, number> | undefined;
  private readonly orders = new Map<number, DefaultOrder>();

  constructor(private readonly catalog: Catalog, private readonly types: TypeCatalog) {}

  private get all(): Map<number, OperatorClass> {
    if (this.rows) return this.rows;
    const rows = new Map<number, OperatorClass>();
    this.catalog.scan('pg_opclass', (row) => rows.set(row.oid('oid'), {
      oid: row.oid('oid'), name: row.name('opcname'), namespaceOid: row.oid('opcnamespace'), isDefault: row.bool('opcdefault'), method: row.oid('opcmethod'), family: row.oid('opcfamily'), inputType: row.oid('opcintype'),
    }));
    return (this.rows = rows);
  }

  /** An operator class, qualified where needed; empty where it is its type's default, or none. */
  name(oid: number): string {
    const found = this.all.get(oid);
    if (!found || found.isDefault) return '';
    const schema = isSearched(found.namespaceOid) ? '' : `${quoteIdentifier(this.catalog.namespaces.get(found.namespaceOid) ?? '')}.`;
    return `${schema}${quoteIdentifier(found.name)}`;
  }

  /** lookup_type_cache() for TYPECACHE_LT_OPR and TYPECACHE_GT_OPR, utils/cache/typcache.c. */
  defaultOrder(typeOid: number): DefaultOrder {
    let order = this.orders.get(typeOid);
    if (!order) {
      const found = this.defaultClass(typeOid, BTREE_AM);
      order = found ? { less: this.member(found, LESS_STRATEGY), greater: this.member(found, GREATER_STRATEGY) } : { less: 0, greater: 0 };
      this.orders.set(typeOid, order);
    }
    return order;
  }

  /** Support functions 1 of a type's default btree and hash operator classes, by their C symbols; undefined: the type has no such class. */
  defaultFunctions(typeOid: number): { order: string | undefined; hash: string | undefined } {
    const symbol = (method: number): string | undefined => {
      const found = this.defaultClass(typeOid, method);
      return found && this.types.orderFunction(found.oid);
    };
    return { order: symbol(BTREE_AM), hash: symbol(HASH_AM) };
  }

  /** GetDefaultOpClass(), commands/indexcmds.c: the type's own class, else one of a type that it can be taken for as it is. */
  private defaultClass(typeOid: number, method: number): OperatorClass | undefined {
    let type = this.types.type(typeOid);
    while (type?.typtype === 'd') type = this.types.type(type.typbasetype);
    if (!type) return undefined;
    const ofType = (oid: number): OperatorClass | undefined => [...this.all.values()].find((each) => each.method === method && each.isDefault && each.inputType === oid);
    const own = ofType(type.oid);
    if (own) return own;
    // int2vector is taken for an array, too; oidvector has a class of its own
    if (type.typelem !== 0 && type.typlen === -1 && ARRAY_OUTPUTS.has(type.typoutput)) return ofType(ANYARRAY);
    const kind = ANY_OF[type.typtype];
    if (kind !== undefined) return ofType(kind);
    let found: OperatorClass | undefined;
    this.catalog.scan('pg_cast', (row) => {
      if (row.oid('castsource') === type.oid && row.char('castmethod') === 'b' && row.char('castcontext') === 'i') found ??= ofType(row.oid('casttarget'));
    });
    return found;
  }

  private member({ family, inputType }: OperatorClass, strategy: number): number {
    if (!this.members) {
      const members = new Map<string, number>();
      this.catalog.scan('pg_amop', (row) => {
        if (row.oid('amopmethod') === BTREE_AM) members.set(`${row.oid('amopfamily')} ${row.oid('amoplefttype')} ${row.oid('amoprighttype')} ${row.int2('amopstrategy')}`, row.oid('amopopr'));
      });
      this.members = members;
    }
    return this.members.get(`${family} ${inputType} ${inputType} ${strategy}`) ?? 0;
  }
}
