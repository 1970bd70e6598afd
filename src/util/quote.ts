/** Quoting of SQL identifiers and literals, as quote_identifier() and quote_literal() do (utils/adt/ruleutils.c, quote.c). */

/** Reserved and otherwise unusable as plain names: every keyword that is not unreserved in PostgreSQL 18 (parser/kwlist.h). */
const RESERVED = new Set((
  'all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create current_catalog current_date ' +
  'current_role current_time current_timestamp current_user default deferrable desc distinct do else end except false fetch for foreign from grant ' +
  'group having in initially intersect into lateral leading limit localtime localtimestamp not null offset on only or order placing primary ' +
  'references returning select session_user some symmetric system_user table then to trailing true union unique user using variadic when where window with ' +
  'authorization binary collation concurrently cross current_schema freeze full ilike inner is isnull join left like natural notnull outer overlaps right similar tablesample verbose ' +
  'between bigint bit boolean char character coalesce dec decimal exists extract float greatest grouping inout int integer interval json json_array json_arrayagg ' +
  'json_exists json_object json_objectagg json_query json_scalar json_serialize json_table json_value least merge_action national nchar none normalize nullif numeric out overlay position precision ' +
  'real row setof smallint substring time timestamp treat trim values varchar xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable'
).split(' '));

/** Words of RESERVED that are keywords since a major later than 13. */
const RESERVED_SINCE: Readonly<Record<string, number>> = {
  json_array: 16, json_arrayagg: 16, json_object: 16, json_objectagg: 16, system_user: 16,
  json: 17, json_exists: 17, json_query: 17, json_scalar: 17, json_serialize: 17, json_table: 17, json_value: 17, merge_action: 17,
};

/** A name as SQL takes it in any major; with a major, as that major's quote_identifier() prints it. */
export function quoteIdentifier(name: string, major?: number): string {
  const isReserved = RESERVED.has(name) && (major === undefined || (RESERVED_SINCE[name] ?? 0) <= major);
  return /^[a-z_][a-z0-9_]*$/.test(name) && !isReserved ? name : `"${name.replaceAll('"', '""')}"`;
}

/** A string as an SQL literal, whatever standard_conforming_strings says: quote_literal(), utils/adt/quote.c. */
export function quoteLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return text.includes('\\') ? `E${quoted}` : quoted;
}

/** `schema.name` where the schema is not public; both quoted as needed. */
export function qualifiedName(schema: string, name: string): string {
  return schema === 'public' ? quoteIdentifier(name) : `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}

/** `schema.name`, whatever the schema; both quoted as needed. */
export function qualifyName(schema: string, name: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;
}
