/** The key types of one catalog state: which operator class's order and hash codes a column or a value within another has. */
import { ExitCode, WalscopeError } from '../../util/errors.js';
import { compareBytes, compareFunction, type CompareValues } from '../compare.js';
import { hashFunction } from '../hashFunctions.js';
import { canReadKey, readKey, type KeyContext } from '../keyInput.js';
import type { TypeInfo } from '../types/typeInfo.js';
import { arrayKey, vectorKey } from './array.js';
import { jsonbKey } from './jsonb.js';
import type { AnyKeyType, KeyType } from './keyType.js';
import { isKnownCanonical, multirangeKey, rangeKey } from './range.js';
import { recordKey } from './record.js';
import { tsqueryKey, tsvectorKey } from './textSearch.js';

/** Support functions 1 of an operator class of each kind, by their C symbols; undefined: the type has no such class. */
export interface KeySymbols {
  order: string | undefined;
  hash: string | undefined;
}

/** pg_range */
export interface RangeFacts {
  subtype: number;
  collation: number;
  /** The order of rngsubopc. */
  order: string | undefined;
  /** The C symbol of rngcanonical; undefined: it has none. */
  canonical: string | undefined;
}

/** The catalog's side. */
export interface KeyLookup {
  type(oid: number): TypeInfo | undefined;
  /** The functions of a type's default operator classes. */
  defaultSymbols(typeOid: number): KeySymbols;
  range(typeOid: number): RangeFacts | undefined;
  enumOid(typeOid: number, label: string): number | undefined;
  enumSortOrder(labelOid: number): number | undefined;
  /** Text is ordered by its bytes. */
  isCCollation(oid: number): boolean;
  isDeterministicCollation(oid: number): boolean;
}

const DEFAULT_COLLATION = 100;

export class KeyTypes {
  private readonly known = new Map<string, AnyKeyType | undefined>();

  constructor(private readonly lookup: KeyLookup, private readonly context: Omit<KeyContext, 'enumLabelOid'>) {}

  /**
   * How values of a type (a domain's are its base type's) are read, ordered and hashed; by the type's default operator classes unless `symbols`
   * names others. Undefined where it is not known here.
   */
  of(typeOid: number, collation: number, symbols?: KeySymbols): AnyKeyType | undefined {
    const key = `${typeOid} ${collation} ${symbols?.order ?? ''} ${symbols?.hash ?? ''}`;
    if (!this.known.has(key)) {
      // a type within itself is not known while it is being looked at
      this.known.set(key, undefined);
      this.known.set(key, this.make(typeOid, collation, symbols ?? this.lookup.defaultSymbols(typeOid)));
    }
    return this.known.get(key);
  }

  private make(typeOid: number, collation: number, symbols: KeySymbols): AnyKeyType | undefined {
    let type = this.lookup.type(typeOid);
    while (type?.typtype === 'd') type = this.lookup.type(type.typbasetype);
    if (!type) return undefined;
    switch (symbols.order ?? symbols.hash) {
      case 'btarraycmp': case 'hash_array': return this.array(type, collation);
      case 'range_cmp': case 'hash_range': return this.range(type.oid, rangeKey);
      case 'multirange_cmp': case 'hash_multirange': return type.rangeType === undefined ? undefined : this.range(type.rangeType, multirangeKey);
      case 'btrecordcmp': case 'hash_record': return this.record(type);
      case 'jsonb_cmp': case 'jsonb_hash':
        return jsonbKey(this.collated(compareBytes, DEFAULT_COLLATION), (text) => readKey('numeric_out', text, this.context), this.encode);
      case 'tsvector_cmp': return tsvectorKey(this.encode);
      case 'tsquery_cmp': return tsqueryKey(this.encode);
      default: return this.scalar(type, collation, symbols);
    }
  }

  private readonly encode = (text: string): Uint8Array => readKey('textout', text, this.context)!;

  /** An order of bytes that holds for other collations as long as texts are equal. */
  private collated(compare: CompareValues, collation: number): CompareValues {
    if (this.lookup.isCCollation(collation)) return compare;
    return (a, b) => {
      if (compare(a, b) === 0) return 0;
      throw new WalscopeError('key.collation', 'a collation other than C decides the order of two texts', { exitCode: ExitCode.usage });
    };
  }

  private scalar(type: TypeInfo, collation: number, { order, hash }: KeySymbols): KeyType<Uint8Array> | undefined {
    const enumOrder = { enumSortOrder: (oid: number) => this.lookup.enumSortOrder(oid) };
    const compare = order === undefined ? compareBytes : compareFunction(order, { cCollation: true, ...enumOrder });
    const context = { ...this.context, enumLabelOid: (label: string) => this.lookup.enumOid(type.oid, label) };
    if (!compare || !canReadKey(type.typoutput)) return undefined;
    const isCollated = order !== undefined && compareFunction(order, { cCollation: false, ...enumOrder }) === undefined;
    const code = hash === undefined ? undefined : hashFunction(hash, this.lookup.isDeterministicCollation(collation));
    return {
      isOrdered: order !== undefined,
      decode: (stored) => stored,
      parse: (text) => readKey(type.typoutput, text, context),
      compare: isCollated ? this.collated(compare, collation) : compare,
      ...(code ? { hash: code } : {}),
    };
  }

  private array(type: TypeInfo, collation: number): AnyKeyType | undefined {
    const elementType = this.lookup.type(type.typelem);
    const element = elementType && this.of(elementType.oid, collation);
    return element && (type.typoutput === 'int2vectorout' ? vectorKey : arrayKey)(elementType, element);
  }

  private range(rangeOid: number, make: typeof rangeKey | typeof multirangeKey): AnyKeyType | undefined {
    const facts = this.lookup.range(rangeOid);
    const subtype = facts && this.lookup.type(facts.subtype);
    if (!subtype || facts.order === undefined || (facts.canonical !== undefined && !isKnownCanonical(facts.canonical))) return undefined;
    const element = this.of(facts.subtype, facts.collation, { order: facts.order, hash: this.lookup.defaultSymbols(facts.subtype).hash });
    return element && make(subtype, element, facts.canonical);
  }

  private record(type: TypeInfo): AnyKeyType | undefined {
    const attributes = type.attributes ?? [];
    const columns = attributes.map((attribute) => (attribute.dropped ? undefined : this.of(attribute.typeOid, attribute.collationOid)));
    return attributes.some((attribute, i) => !attribute.dropped && !columns[i]) ? undefined : recordKey(attributes, columns);
  }
}
