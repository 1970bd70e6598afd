/** pg_type and its companions as the lookup that printing values asks (src/rows). Each catalog is read when it is first needed. */
import { quoteIdentifier } from '../util/quote.js';
import type { CompositeAttribute, RegKind, TypeInfo, TypeLookup } from '../rows/types/typeInfo.js';
import type { TypeAlign } from '../rows/deform.js';
import { CatalogIndex, type Catalog } from './catalog.js';
import { isSearched, PG_CATALOG, PUBLIC } from './catalogOids.js';
import { OperatorClasses } from './operatorClasses.js';
import { sqlTypeName } from './sqlTypeNames.js';

/** A one-dimensional array without NULLs begins so far into its payload. */
const ARRAY_HEADER = 20;

/** Languages whose prosrc is the C symbol: internal and c (pg_language, fixed OIDs). */
const INTERNAL_LANGUAGE = 12;
const C_LANGUAGE = 13;

interface ProcRow {
  name: string;
  namespaceOid: number;
  symbol: string;
  argTypes: number[];
}

/** Where the objects of reg* types are. */
const REG_CATALOGS: Readonly<Record<RegKind, string>> = {
  regclass: 'pg_class', regproc: 'pg_proc', regprocedure: 'pg_proc', regoper: 'pg_operator', regoperator: 'pg_operator', regtype: 'pg_type', regrole: 'pg_authid',
  regnamespace: 'pg_namespace', regcollation: 'pg_collation', regconfig: 'pg_ts_config', regdictionary: 'pg_ts_dict',
};

/** A row of pg_range; OIDs, 0: none. */
export interface RangeRow {
  subtype: number;
  collation: number;
  /** Of the subtype. */
  opclass: number;
  canonical: number;
}

/** A row of pg_operator; `left` and `right` are type OIDs, 0: none. */
export interface OperatorRow {
  name: string;
  namespaceOid: number;
  left: number;
  right: number;
}

export class TypeCatalog implements TypeLookup {
  private readonly types = new Map<number, TypeInfo | undefined>();
  private typeNamespaces = new Map<number, number>();
  private enums: Map<number, { label: string; type: number; order: number }> | undefined;
  private ranges: { byType: Map<number, RangeRow>; ofMultirange: Map<number, number> } | undefined;
  private readonly procs = new Map<number, ProcRow | undefined>();
  private readonly regOids = new Map<RegKind, Map<string, number | undefined>>();
  private procsByName: Map<string, number[]> | undefined;
  private roles: Map<number, string> | undefined;
  private orders: Map<number, number> | undefined;
  private readonly names = new Map<string, Map<number, string>>();

  readonly operatorClasses: OperatorClasses;

  constructor(private readonly catalog: Catalog) {
    this.operatorClasses = new OperatorClasses(catalog, this);
  }

  type(oid: number): TypeInfo | undefined {
    const known = this.types.get(oid);
    if (known !== undefined || this.types.has(oid)) return known;
    let type: TypeInfo | undefined;
    let output = 0;
    this.catalog.lookup('pg_type', CatalogIndex.typeByOid, oid, (row) => {
      this.typeNamespaces.set(oid, row.oid('typnamespace'));
      output = row.oid('typoutput');
      type = {
        oid, name: row.name('typname'), schema: this.catalog.namespaces.get(row.oid('typnamespace')) ?? '', typlen: row.int2('typlen'),
        typbyval: row.bool('typbyval'), typalign: row.char('typalign') as TypeAlign, typstorage: row.char('typstorage'), typtype: row.char('typtype'),
        typoutput: '', typelem: row.oid('typelem'), typdelim: row.char('typdelim'), typbasetype: row.oid('typbasetype'), typrelid: row.oid('typrelid'),
      };
    });
    this.types.set(oid, type);
    if (type) this.complete(type, output);
    return type;
  }

  private complete(type: TypeInfo, output: number): void {
    type.typoutput = this.proc(output)?.symbol ?? `oid:${output}`;
    if (type.typtype === 'c') type.attributes = this.attributes(type.typrelid);
    else if (type.typtype === 'r') type.rangeSubtype = this.rangeRows.byType.get(type.oid)?.subtype;
    else if (type.typtype === 'm') type.rangeType = this.rangeRows.ofMultirange.get(type.oid);
  }

  private attributes(relOid: number): CompositeAttribute[] {
    return this.catalog.columns(relOid).map((c) => ({
      name: c.name, typeOid: c.typeOid, typmod: c.typmod, dropped: c.dropped, collationOid: c.collationOid, attlen: c.attlen, attalign: c.attalign,
    }));
  }

  /** pg_range, by the range type. */
  range(oid: number): RangeRow | undefined {
    return this.rangeRows.byType.get(oid);
  }

  private get rangeRows(): { byType: Map<number, RangeRow>; ofMultirange: Map<number, number> } {
    if (this.ranges) return this.ranges;
    const ranges = { byType: new Map<number, RangeRow>(), ofMultirange: new Map<number, number>() };
    this.catalog.scan('pg_range', (row) => {
      ranges.byType.set(row.oid('rngtypid'), { subtype: row.oid('rngsubtype'), collation: row.oid('rngcollation'), opclass: row.oid('rngsubopc'), canonical: row.oid('rngcanonical') });
      if (row.has('rngmultitypid')) ranges.ofMultirange.set(row.oid('rngmultitypid'), row.oid('rngtypid'));
    });
    return (this.ranges = ranges);
  }

  proc(oid: number): ProcRow | undefined {
    const known = this.procs.get(oid);
    if (known !== undefined || this.procs.has(oid)) return known;
    this.procs.set(oid, undefined);
    this.catalog.lookup('pg_proc', CatalogIndex.procByOid, oid, (row) => {
      const language = row.oid('prolang');
      const name = row.name('proname');
      this.procs.set(oid, {
        name, namespaceOid: row.oid('pronamespace'), argTypes: row.numbers('proargtypes', 4, false),
        symbol: language === INTERNAL_LANGUAGE || language === C_LANGUAGE ? (row.text('prosrc') ?? name) : name,
      });
    });
    return this.procs.get(oid);
  }

  /** OIDs of visible functions by name: whether a name alone means one function. */
  private get procNames(): Map<string, number[]> {
    if (this.procsByName) return this.procsByName;
    const names = new Map<string, number[]>();
    this.catalog.scan('pg_proc', (row) => {
      const namespace = row.oid('pronamespace');
      if (!isSearched(namespace)) return;
      const name = row.name('proname');
      const list = names.get(name);
      if (list) list.push(row.oid('oid'));
      else names.set(name, [row.oid('oid')]);
    });
    return (this.procsByName = names);
  }

  private get enumRows(): Map<number, { label: string; type: number; order: number }> {
    if (this.enums) return this.enums;
    const enums = new Map<number, { label: string; type: number; order: number }>();
    this.catalog.scan('pg_enum', (row) => {
      enums.set(row.oid('oid'), { label: row.name('enumlabel'), type: row.oid('enumtypid'), order: row.float4('enumsortorder') });
    });
    return (this.enums = enums);
  }

  enumLabel(oid: number): string | undefined {
    return this.enumRows.get(oid)?.label;
  }

  /** pg_am.amname; undefined where there is no such access method. */
  accessMethod(oid: number): string | undefined {
    let names = this.names.get('pg_am');
    if (!names) {
      names = new Map();
      this.catalog.scan('pg_am', (row) => names!.set(row.oid('oid'), row.name('amname')));
      this.names.set('pg_am', names);
    }
    return names.get(oid);
  }

  /** An enum type's labels in their sort order. */
  enumLabels(typeOid: number): string[] {
    return [...this.enumRows.values()].filter((e) => e.type === typeOid).sort((a, b) => a.order - b.order).map((e) => e.label);
  }

  /** As enumLabels(), by OID. */
  enumLabelsByOid(typeOid: number): Map<number, string> {
    return new Map([...this.enumRows].filter(([, row]) => row.type === typeOid).sort(([, a], [, b]) => a.order - b.order).map(([oid, row]) => [oid, row.label]));
  }

  enumOid(typeOid: number, label: string): number | undefined {
    for (const [oid, row] of this.enumRows) if (row.type === typeOid && row.label === label) return oid;
    return undefined;
  }

  /** pg_enum.enumsortorder by OID, of one type. */
  enumOrder(typeOid: number): Map<number, number> {
    return new Map([...this.enumRows].filter(([, row]) => row.type === typeOid).map(([oid, row]) => [oid, row.order]));
  }

  private typeFacts: Map<number, { collation: number; arrayOid: number; category: string }> | undefined;

  private fact(typeOid: number): { collation: number; arrayOid: number; category: string } | undefined {
    if (!this.typeFacts) {
      const found = new Map<number, { collation: number; arrayOid: number; category: string }>();
      this.catalog.scan('pg_type', (row) => found.set(row.oid('oid'), { collation: row.oid('typcollation'), arrayOid: row.oid('typarray'), category: row.char('typcategory') }));
      this.typeFacts = found;
    }
    return this.typeFacts.get(typeOid);
  }

  /** pg_type.typcollation; 0: the type has none. */
  typeCollation(typeOid: number): number {
    return this.fact(typeOid)?.collation ?? 0;
  }

  /** The array of a type; 0: there is none. */
  arrayOf(typeOid: number): number {
    return this.fact(typeOid)?.arrayOid ?? 0;
  }

  isStringType(typeOid: number): boolean {
    return this.fact(typeOid)?.category === 'S';
  }

  /** type_is_rowtype(): composite types, domains over them, and record. */
  isRowType(typeOid: number): boolean {
    const RECORDOID = 2249;
    const type = this.type(typeOid);
    if (type?.typtype === 'd') return this.isRowType(type.typbasetype);
    return typeOid === RECORDOID || type?.typtype === 'c';
  }

  /** Names of a function's OUT arguments, in their order. */
  outputNames(procOid: number): string[] {
    let found: string[] = [];
    this.catalog.lookup('pg_proc', CatalogIndex.procByOid, procOid, (row) => {
      const modes = row.isNull('proargmodes') ? '' : Buffer.from(row.varlena('proargmodes')!.subarray(ARRAY_HEADER)).toString('latin1');
      found = row.texts('proargnames').flatMap((name, i) => ('obt'.includes(modes[i] ?? 'i') ? [name ?? ''] : []));
    });
    return found;
  }

  /** True where a function of pg_catalog has the same name and takes the same arguments: it is found first. */
  isHiddenFunction(procOid: number): boolean {
    const own = this.proc(procOid);
    return own !== undefined && (this.procNames.get(own.name) ?? []).some((oid) => {
      const other = this.proc(oid)!;
      return other.namespaceOid === PG_CATALOG && other.argTypes.join() === own.argTypes.join();
    });
  }

  constraintName(oid: number): string {
    let name = '';
    this.catalog.scan('pg_constraint', (row) => {
      if (row.oid('oid') === oid) name = row.name('conname');
    });
    return name;
  }

  /** pg_enum.enumsortorder of a label. */
  enumSortOrder(labelOid: number): number | undefined {
    return this.enumRows.get(labelOid)?.order;
  }

  /** The C symbol of support function 1 of a btree operator class: the order of its type. Undefined where the class is not known. */
  orderFunction(opclassOid: number): string | undefined {
    if (!this.orders) {
      const functions = new Map<string, number>();
      this.catalog.scan('pg_amproc', (row) => {
        if (row.int2('amprocnum') === 1) functions.set(`${row.oid('amprocfamily')}/${row.oid('amproclefttype')}/${row.oid('amprocrighttype')}`, row.oid('amproc'));
      });
      const orders = new Map<number, number>();
      this.catalog.scan('pg_opclass', (row) => {
        const type = row.oid('opcintype');
        const proc = functions.get(`${row.oid('opcfamily')}/${type}/${type}`);
        if (proc !== undefined) orders.set(row.oid('oid'), proc);
      });
      this.orders = orders;
    }
    const proc = this.orders.get(opclassOid);
    return proc === undefined ? undefined : this.proc(proc)?.symbol;
  }

  roleName(oid: number): string | undefined {
    if (!this.roles) {
      const roles = new Map<number, string>();
      this.catalog.scan('pg_authid', (row) => roles.set(row.oid('oid'), row.name('rolname')));
      this.roles = roles;
    }
    return this.roles.get(oid);
  }

  /** Follows regclassout() and its kin, utils/adt/regproc.c: qualified where the default search path does not find the name. */
  regName(kind: RegKind, oid: number): string | undefined {
    switch (kind) {
      case 'regclass': {
        const relation = this.catalog.relation(oid);
        return relation && this.qualified(relation.name, relation.namespaceOid, 'regclass');
      }
      case 'regtype': return this.type(oid) && this.formatType(oid);
      case 'regrole': {
        const name = this.roleName(oid);
        return name === undefined ? undefined : this.quoted(name);
      }
      case 'regnamespace': {
        const name = this.catalog.namespaces.get(oid);
        return name === undefined ? undefined : this.quoted(name);
      }
      case 'regproc': {
        const proc = this.proc(oid);
        return proc && this.procName(proc, oid);
      }
      case 'regprocedure': {
        const proc = this.proc(oid);
        return proc && `${this.qualified(proc.name, proc.namespaceOid, kind)}(${proc.argTypes.map((t) => this.formatType(t)).join(',')})`;
      }
      case 'regoper':
      case 'regoperator': return this.operatorName(kind, oid);
      case 'regcollation': return this.namedObject('pg_collation', 'collname', 'collnamespace', oid);
      case 'regconfig': return this.namedObject('pg_ts_config', 'cfgname', 'cfgnamespace', oid);
      case 'regdictionary': return this.namedObject('pg_ts_dict', 'dictname', 'dictnamespace', oid);
    }
  }

  /** The object that regName() gives this text for; undefined where it is none, or one of several (a lone operator's name). */
  regOid(kind: RegKind, text: string): number | undefined {
    let oids = this.regOids.get(kind);
    if (!oids) {
      this.regOids.set(kind, (oids = new Map<string, number | undefined>()));
      const all: number[] = [];
      this.catalog.scan(REG_CATALOGS[kind], (row) => void all.push(row.oid('oid')));
      for (const oid of all) {
        const name = this.regName(kind, oid);
        if (name !== undefined) oids.set(name, oids.has(name) ? undefined : oid);
      }
    }
    return oids.get(text);
  }

  /** As this major's keywords have it. */
  private quoted(name: string): string {
    return quoteIdentifier(name, this.catalog.snapshot.major);
  }

  private qualified(name: string, namespaceOid: number, kind: string): string {
    const visible = namespaceOid === PG_CATALOG || (namespaceOid === PUBLIC && !this.hiddenByCatalog(name, kind));
    if (visible) return this.quoted(name);
    return `${this.quoted(this.catalog.namespaces.get(namespaceOid) ?? '')}.${this.quoted(name)}`;
  }

  /** A name in public is hidden by one in pg_catalog, which is always searched first. */
  private hiddenByCatalog(name: string, kind: string): boolean {
    if (kind === 'regtype') return this.catalogTypes.has(name);
    return kind === 'regclass' && this.catalogRelations.has(name);
  }

  private catalogRelationNames: Set<string> | undefined;

  /** Names of the relations of pg_catalog. */
  private get catalogRelations(): ReadonlySet<string> {
    return (this.catalogRelationNames ??= new Set([...this.catalog.relations.values()].flatMap(({ namespaceOid, name }) => (namespaceOid === PG_CATALOG ? [name] : []))));
  }

  private catalogTypeNames: Set<string> | undefined;

  /** Names of the types of pg_catalog. */
  private get catalogTypes(): ReadonlySet<string> {
    if (this.catalogTypeNames) return this.catalogTypeNames;
    const names = new Set<string>();
    this.catalog.scan('pg_type', (row) => {
      if (row.oid('typnamespace') === PG_CATALOG) names.add(row.name('typname'));
    });
    return (this.catalogTypeNames = names);
  }

  /** regprocout(): qualified too where the name alone means several functions. */
  private procName(proc: ProcRow, oid: number): string {
    if ((this.procNames.get(proc.name) ?? []).some((other) => other !== oid)) {
      return `${this.quoted(this.catalog.namespaces.get(proc.namespaceOid) ?? '')}.${this.quoted(proc.name)}`;
    }
    return this.qualified(proc.name, proc.namespaceOid, 'regproc');
  }

  private operatorsByOid: Map<number, OperatorRow> | undefined;

  private get operators(): Map<number, OperatorRow> {
    if (this.operatorsByOid) return this.operatorsByOid;
    const rows = new Map<number, OperatorRow>();
    this.catalog.scan('pg_operator', (row) => rows.set(row.oid('oid'), {
      name: row.name('oprname'), namespaceOid: row.oid('oprnamespace'), left: row.oid('oprleft'), right: row.oid('oprright'),
    }));
    return (this.operatorsByOid = rows);
  }

  /** A row of pg_operator; undefined where there is no such operator. */
  operator(oid: number): OperatorRow | undefined {
    return this.operators.get(oid);
  }

  private operatorName(kind: 'regoper' | 'regoperator', oid: number): string | undefined {
    const found = this.operators.get(oid);
    if (!found) return undefined;
    const schema = this.quoted(this.catalog.namespaces.get(found.namespaceOid) ?? '');
    if (kind === 'regoper') {
      const candidates = [...this.operators.values()].filter((row) => row.name === found.name && isSearched(row.namespaceOid));
      return candidates.length === 1 && candidates[0] === found ? found.name : `${schema}.${found.name}`;
    }
    const args = [found.left, found.right].map((t) => (t === 0 ? 'NONE' : this.formatType(t))).join(',');
    return `${isSearched(found.namespaceOid) ? '' : `${schema}.`}${found.name}(${args})`;
  }

  private namedObject(catalogName: string, nameColumn: string, namespaceColumn: string, oid: number): string | undefined {
    let names = this.names.get(catalogName);
    if (!names) {
      names = new Map();
      this.catalog.scan(catalogName, (row) => names!.set(row.oid('oid'), this.qualified(row.name(nameColumn), row.oid(namespaceColumn), catalogName)));
      this.names.set(catalogName, names);
    }
    return names.get(oid);
  }

  /** format_type(): a type's name as SQL writes it, with its modifier; -1: it has none, undefined: the type itself is named (format_type_be()). */
  formatType(oid: number, typmod?: number): string {
    const type = this.type(oid);
    if (!type) return oid === 0 ? '-' : '???';
    if (type.typelem !== 0 && type.typlen === -1 && type.typoutput === 'array_out') return `${this.formatType(type.typelem, typmod)}[]`;
    const known = type.schema === 'pg_catalog' ? sqlTypeName(type.name, typmod) : undefined;
    if (known !== undefined) return known;
    const name = this.qualified(type.name, this.typeNamespaces.get(oid)!, 'regtype');
    return typmod !== undefined && typmod >= 0 ? `${name}(${typmod})` : name;
  }
}
