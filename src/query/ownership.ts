/** Owners and privileges of what a script makes, as pg_dump writes them; the roles have to be there. */
import { PG_CLASS, PG_NAMESPACE, PG_PROC, PG_STATISTIC_EXT, PG_TYPE, PUBLIC } from '../catalog/catalogOids.js';
import { qualifyName, quoteIdentifier } from '../util/quote.js';
import { AllRights, grantStatements, readAcl, relationTarget, tableRights, type AclTarget } from './privileges.js';
import { sequencesOf } from './schemaDdl.js';
import { functionsOf } from './schemaObjects.js';
import type { DatabaseAt } from './session.js';
import { comment } from './sqlScript.js';

const BOOTSTRAP_SUPERUSER = 10;
const PG_DATABASE_OWNER = 6171;
const KINDS: Record<string, string> = { v: 'VIEW', m: 'MATERIALIZED VIEW', f: 'FOREIGN TABLE', S: 'SEQUENCE' };
/** pg_default_acl.defaclobjtype: what GRANT calls them, all rights, and PUBLIC's from the start. */
const DEFAULT_KINDS: Record<string, { words: string; all: (major: number) => number; publicRights: number }> = {
  r: { words: 'TABLES', all: tableRights, publicRights: 0 }, S: { words: 'SEQUENCES', all: () => AllRights.sequence, publicRights: 0 },
  f: { words: 'ROUTINES', all: () => AllRights.routine, publicRights: AllRights.routine }, T: { words: 'TYPES', all: () => AllRights.type, publicRights: AllRights.type },
  n: { words: 'SCHEMAS', all: () => AllRights.schema, publicRights: 0 }, L: { words: 'LARGE OBJECTS', all: () => AllRights.largeObject, publicRights: 0 },
};

class OwnershipWriter {
  private readonly owners: string[] = [];
  private readonly grants: string[] = [];
  private readonly roles = new Set<string>();
  private readonly major: number;

  constructor(private readonly database: DatabaseAt, private readonly isWritten: (classOid: number, oid: number) => boolean) {
    this.major = database.catalog.snapshot.major;
  }

  private readonly roleName = (oid: number): string | undefined => {
    const name = this.database.types.roleName(oid);
    // predefined roles are everywhere
    if (name !== undefined && !name.startsWith('pg_')) this.roles.add(quoteIdentifier(name));
    return name;
  };

  private owner(object: string, oid: number): void {
    const name = this.roleName(oid);
    if (name !== undefined) this.owners.push(`ALTER ${object} OWNER TO ${quoteIdentifier(name)};`);
  }

  private grant(target: AclTarget, acl: Uint8Array | null | undefined): void {
    if (acl) this.grants.push(...grantStatements(target, readAcl(acl, this.major), this.roleName, true));
  }

  schemas(): void {
    this.database.catalog.scan('pg_namespace', (row) => {
      const [oid, ownerOid] = [row.oid('oid'), row.oid('nspowner')];
      const isPublic = oid === PUBLIC;
      if (!isPublic && !this.isWritten(PG_NAMESPACE, oid)) return;
      const name = quoteIdentifier(row.name('nspname'));
      // as initdb makes it: since 15 PUBLIC may only use it
      const [firstOwner, publicRights] = this.major >= 15 ? [PG_DATABASE_OWNER, 0x100] : [BOOTSTRAP_SUPERUSER, AllRights.schema];
      if (!isPublic || ownerOid !== firstOwner) this.owner(`SCHEMA ${name}`, ownerOid);
      this.grant({ object: `SCHEMA ${name}`, ownerOid, all: AllRights.schema, ...(isPublic ? { publicRights } : {}) }, row.varlena('nspacl'));
    });
  }

  relations(): void {
    const { catalog } = this.database;
    // a sequence that a column owns goes with its table
    const owned = new Set(this.database.once(sequencesOf).filter((sequence) => sequence.owner).map((sequence) => sequence.oid));
    catalog.scan('pg_class', (row) => {
      const relation = catalog.relations.get(row.oid('oid'));
      if (!relation || !this.isWritten(PG_CLASS, relation.oid) || !'rpfvmS'.includes(relation.kind)) return;
      if (!owned.has(relation.oid)) this.owner(`${KINDS[relation.kind] ?? 'TABLE'} ${qualifyName(catalog.schemaOf(relation), relation.name)}`, relation.ownerOid);
      this.grant(relationTarget(this.database, relation), row.varlena('relacl'));
    });
    catalog.scan('pg_attribute', (row) => {
      const relation = row.isNull('attacl') ? undefined : catalog.relations.get(row.oid('attrelid'));
      if (!relation || row.bool('attisdropped') || !this.isWritten(PG_CLASS, relation.oid)) return;
      this.grant({ ...relationTarget(this.database, relation), column: quoteIdentifier(row.name('attname')) }, row.varlena('attacl'));
    });
  }

  routines(): void {
    const signatures = functionsOf(this.database);
    this.database.catalog.scan('pg_proc', (row) => {
      const routine = signatures.get(row.oid('oid'));
      if (!routine || !this.isWritten(PG_PROC, row.oid('oid'))) return;
      this.owner(`ROUTINE ${routine.name}`, row.oid('proowner'));
      this.grant({ object: `ROUTINE ${routine.name}`, ownerOid: row.oid('proowner'), all: AllRights.routine, publicRights: AllRights.routine }, row.varlena('proacl'));
    });
  }

  typesAndStatistics(): void {
    const { catalog } = this.database;
    const nameOf = (namespaceOid: number, name: string): string => qualifyName(catalog.namespaces.get(namespaceOid) ?? '', name);
    catalog.scan('pg_type', (row) => {
      if (!this.isWritten(PG_TYPE, row.oid('oid'))) return;
      const object = `TYPE ${nameOf(row.oid('typnamespace'), row.name('typname'))}`;
      this.owner(object, row.oid('typowner'));
      this.grant({ object, ownerOid: row.oid('typowner'), all: AllRights.type, publicRights: AllRights.type }, row.varlena('typacl'));
    });
    catalog.scan('pg_statistic_ext', (row) => {
      if (this.isWritten(PG_STATISTIC_EXT, row.oid('oid'))) this.owner(`STATISTICS ${nameOf(row.oid('stxnamespace'), row.name('stxname'))}`, row.oid('stxowner'));
    });
  }

  defaults(): void {
    this.database.catalog.scan('pg_default_acl', (row) => {
      const [ownerOid, namespaceOid] = [row.oid('defaclrole'), row.oid('defaclnamespace')];
      const role = this.roleName(ownerOid), kind = DEFAULT_KINDS[row.char('defaclobjtype')];
      if (role === undefined || !kind) return;
      // a schema's are added to the others
      const target = { object: kind.words, ownerOid, all: kind.all(this.major), publicRights: kind.publicRights, isFromNothing: namespaceOid !== 0 };
      const schema = namespaceOid === 0 ? '' : ` IN SCHEMA ${quoteIdentifier(this.database.catalog.namespaces.get(namespaceOid) ?? '')}`;
      const statements = grantStatements(target, readAcl(row.varlena('defaclacl')!, this.major), this.roleName);
      this.grants.push(...statements.map((statement) => `ALTER DEFAULT PRIVILEGES FOR ROLE ${quoteIdentifier(role)}${schema} ${statement}`));
    });
  }

  statements(): string[] {
    const all = [...this.owners, ...this.grants];
    return all.length === 0 ? [] : [comment(`roles that must be there: ${[...this.roles].sort().join(', ')}`), ...all];
  }
}

/** Of the objects, named by catalog and OID, that a script makes; default privileges where it is a `whole` database's. */
export function ownership(database: DatabaseAt, isWritten: (classOid: number, oid: number) => boolean, whole: boolean): string[] {
  const writer = new OwnershipWriter(database, isWritten);
  if (whole) writer.schemas();
  writer.relations();
  if (whole) {
    writer.routines();
    writer.typesAndStatistics();
    writer.defaults();
  }
  return writer.statements();
}
