import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type pg from 'pg';
import { PostgresServer } from '../../fixtures/postgres/server.js';
import { describePage, type Fields, type PageDescription, type PageKind } from '../../src/pg/describePage.js';
import { BLCKSZ, Page } from '../../src/pg/page.js';
import { PG_MAJORS } from '../../src/pg/version.js';

const SETUP = [
  'CREATE EXTENSION pageinspect', 'CREATE EXTENSION pg_visibility', 'CREATE EXTENSION pg_freespacemap',
  'CREATE TABLE h (id int, a text, b text, c int8)',
  `INSERT INTO h SELECT i, CASE WHEN i % 3 = 0 THEN NULL ELSE 'v' || i END, repeat('x', i % 40), NULL FROM generate_series(1, 400) i`,
  'VACUUM (FREEZE) h',
  `UPDATE h SET a = 'hot' WHERE id % 20 = 1`, 'DELETE FROM h WHERE id % 7 = 0', 'VACUUM h', `UPDATE h SET a = 'again' WHERE id % 20 = 1`,
  'SELECT * FROM h WHERE id < 5 FOR UPDATE', 'SELECT * FROM h WHERE id BETWEEN 5 AND 8 FOR SHARE', 'SELECT * FROM h WHERE id BETWEEN 9 AND 11 FOR KEY SHARE',
  'CREATE INDEX h_a ON h (a)', 'CREATE INDEX h_id ON h (id)',
  'CREATE TABLE dup (id int, g int, t text)', 'CREATE INDEX dup_g ON dup (g, t)',
  `INSERT INTO dup SELECT i, i % 30, CASE WHEN i % 11 = 0 THEN NULL ELSE repeat('t', 40) END FROM generate_series(1, 9000) i`,
  'CREATE INDEX dup_hash ON dup USING hash (g)', 'CREATE INDEX dup_brin ON dup USING brin (id, t) WITH (pages_per_range = 4)',
  'CREATE TABLE arr (id int, a int[], f int[])',
  `INSERT INTO arr SELECT i, ARRAY[i % 2, i % 2000, 100000 + i % 7000], ARRAY[i % 50] FROM generate_series(1, 18000) i`,
  'CREATE INDEX arr_a ON arr USING gin (a) WITH (fastupdate = off)', 'CREATE INDEX arr_f ON arr USING gin (f)',
  'INSERT INTO arr SELECT i, NULL, ARRAY[i, i + 1] FROM generate_series(1, 50) i',
  'CREATE TABLE pts (id int, p point, t text)', 'INSERT INTO pts SELECT i, point(i % 71, i % 67), md5(i::text) FROM generate_series(1, 3000) i',
  'CREATE INDEX pts_gist ON pts USING gist (p)', 'CREATE INDEX pts_quad ON pts USING spgist (p)', 'CREATE INDEX pts_radix ON pts USING spgist (t)',
  'CREATE SEQUENCE seq', `SELECT nextval('seq') FROM generate_series(1, 5)`,
];

const text = (value: unknown): string | null => (value === null || value === undefined ? null : String(value));
/** pageinspect's names of flags are PostgreSQL's own without their prefix, in lower case. */
const shortNames = (names: unknown, prefix: RegExp): string[] => (names as string[]).map((name) => name.replace(prefix, '').toLowerCase()).sort();

describe.each(PG_MAJORS)('page descriptions on %i', (major) => {
  let server: PostgresServer;
  let client: pg.Client;
  beforeAll(async () => {
    server = await PostgresServer.create({ major, archive: false, settings: { autovacuum: false } });
    client = await server.connect();
    for (const statement of SETUP) await client.query(statement);
  });
  afterAll(() => server.destroy());

  async function rows(sql: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    return (await client.query<Record<string, unknown>>(sql, values)).rows;
  }

  async function pagesOf(relation: string, kind: PageKind, fork = 'main'): Promise<PageDescription[]> {
    const found = await rows(
      'SELECT get_raw_page($1::text, $2::text, b::int) AS raw FROM generate_series(0, pg_relation_size($1::text::regclass, $2::text) / 8192 - 1) b', [relation, fork]);
    return found.map(({ raw }, block) => {
      const page = describePage(new Page(new Uint8Array(raw as Buffer)), kind, block, major);
      expect(page.problems).toEqual([]);
      return page;
    });
  }

  /** The rows that an SQL expression over one raw page gives, NULLs as null and all else as text. */
  async function inspect(relation: string, block: number, sql: string): Promise<Record<string, string | null>[]> {
    const found = await rows(sql.replaceAll('$page', `get_raw_page('${relation}', ${block})`));
    return found.map((row) => Object.fromEntries(Object.entries(row).map(([name, value]) => [name, text(value)])));
  }

  const asText = (fields: Fields, names: string[]): Record<string, string | null> => Object.fromEntries(names.map((name) => [name, text(fields[name])]));

  it('agrees with page_header and heap_page_items', async () => {
    const pages = await pagesOf('h', 'heap');
    expect(pages.length).toBeGreaterThan(2);
    const seen = new Set<string>();
    for (const [block, page] of pages.entries()) {
      const [header] = await inspect('h', block, 'SELECT lsn, checksum::int & 65535 AS checksum, lower, upper, special, pagesize, version, prune_xid FROM page_header($page)');
      expect(asText(page.header, Object.keys(header!))).toEqual(header);
      const items = await inspect('h', block, `SELECT lp, lp_off, lp_flags, lp_len, t_xmin, t_xmax, t_field3, t_ctid, t_infomask2, t_infomask, t_hoff, t_bits,
        encode(t_data, 'hex') AS t_data FROM heap_page_items($page)`);
      const names = ['t_xmin', 't_xmax', 't_field3', 't_ctid', 't_infomask2', 't_infomask', 't_hoff', 't_bits', 't_data'];
      expect(page.linePointers.map((lp) => ({
        lp: String(lp.offnum), lp_off: String(lp.off), lp_flags: String(['unused', 'normal', 'redirect', 'dead'].indexOf(lp.flags)), lp_len: String(lp.len),
        ...asText(lp.fields, names),
      }))).toEqual(items);
      const masks = await rows(`SELECT array_to_string(raw_flags, ' ') AS raw, array_to_string(combined_flags, ' ') AS combined
        FROM heap_page_items(get_raw_page('h', ${block})), LATERAL heap_tuple_infomask_flags(t_infomask, t_infomask2) WHERE t_infomask IS NOT NULL ORDER BY lp`);
      const tuples = page.linePointers.filter((lp) => lp.fields['flags'] !== undefined);
      expect(tuples.length).toBe(masks.length);
      for (const [i, { raw, combined }] of masks.entries()) {
        const flags = tuples[i]!.fields['flags'] as string[];
        flags.forEach((flag) => seen.add(flag));
        const expanded = flags.flatMap((flag) => ({
          HEAP_XMIN_FROZEN: ['HEAP_XMIN_COMMITTED', 'HEAP_XMIN_INVALID'], HEAP_XMAX_SHR_LOCK: ['HEAP_XMAX_EXCL_LOCK', 'HEAP_XMAX_KEYSHR_LOCK'],
        })[flag] ?? [flag]);
        expect(expanded.sort()).toEqual(String(raw).split(' ').sort());
        for (const name of String(combined).split(' ').filter((n) => n !== '')) expect(flags).toContain(name);
      }
      page.linePointers.forEach((lp) => seen.add(lp.flags));
    }
    for (const name of ['redirect', 'HEAP_XMIN_FROZEN', 'HEAP_XMAX_SHR_LOCK', 'HEAP_XMAX_KEYSHR_LOCK', 'HEAP_ONLY_TUPLE', 'HEAP_HOT_UPDATED', 'HEAP_HASNULL']) {
      expect(seen).toContain(name);
    }
  });

  it('agrees with bt_metap, bt_page_stats and bt_page_items', async () => {
    for (const index of ['h_a', 'h_id', 'dup_g']) {
      const pages = await pagesOf(index, 'btree');
      const [meta] = await inspect(index, 0, `SELECT magic, version, root, level, fastroot, fastlevel, ${major < 14 ? 'oldest_xact' : 'last_cleanup_num_delpages'} AS cleanup, allequalimage FROM bt_metap('${index}')`);
      const contents = pages[0]!.contents;
      expect({ ...asText(Object.fromEntries(Object.entries(contents).map(([k, v]) => [k.replace('btm_', ''), v])), ['magic', 'version', 'root', 'level', 'fastroot', 'fastlevel', 'allequalimage']),
        cleanup: text(contents['btm_oldest_btpo_xact'] ?? contents['btm_last_cleanup_num_delpages']) }).toEqual(meta);
      for (const [block, page] of pages.entries()) {
        if (block === 0) continue;
        const [stats] = await inspect(index, block, `SELECT btpo_prev, btpo_next, ${major < 14 ? 'btpo' : 'btpo_level'} AS btpo_level FROM bt_page_stats('${index}', ${block})`);
        expect(asText(page.special, Object.keys(stats!))).toEqual(stats);
        const items = await inspect(index, block, `SELECT itemoffset, ctid, itemlen, nulls, vars, replace(data, ' ', '') AS data, dead, htid, array_to_string(tids::text[], ' ') AS tids FROM bt_page_items($page)`);
        expect(page.linePointers.map((lp) => ({
          itemoffset: String(lp.offnum), ...asText(lp.fields, ['ctid', 'itemlen', 'nulls', 'vars', 'data', 'htid']),
          dead: lp.fields['downlink'] === undefined && lp.fields['high_key'] === undefined ? String(lp.flags === 'dead') : null,
          tids: lp.fields['tids'] ? (lp.fields['tids'] as string[]).join(' ') : null,
        }))).toEqual(items);
      }
    }
    const types = (await pagesOf('dup_g', 'btree')).map((page) => page.type);
    expect(types).toContain('root');
    expect(types).toContain('leaf');
  });

  it('agrees with hash_metapage_info, hash_page_stats and hash_page_items', async () => {
    const pages = await pagesOf('dup_hash', 'hash');
    const names = ['magic', 'version', 'ntuples', 'ffactor', 'bsize', 'bmsize', 'bmshift', 'maxbucket', 'highmask', 'lowmask', 'ovflpoint', 'firstfree', 'nmaps', 'procid'];
    const [meta] = await inspect('dup_hash', 0, `SELECT ${names.join(', ')}, array_to_string(spares, ' ') AS spares, array_to_string(mapp, ' ') AS mapp FROM hash_metapage_info($page)`);
    const { spares, mapp, ...rest } = meta!;
    expect(asText(pages[0]!.contents, names)).toEqual(rest);
    expect((pages[0]!.contents['spares'] as string[]).join(' ')).toBe(spares);
    expect((pages[0]!.contents['mapp'] as string[]).join(' ')).toBe(mapp!.split(' ').slice(0, Number(rest['nmaps'])).join(' '));
    const types = new Set(pages.map((page) => page.type));
    for (const type of ['meta', 'bucket', 'overflow', 'bitmap']) expect(types).toContain(type);
    for (const [block, page] of pages.entries()) {
      const [{ type } = { type: null }] = await inspect('dup_hash', block, 'SELECT hash_page_type($page) AS type');
      expect(page.type).toBe(type === 'metapage' ? 'meta' : type);
      if (page.type !== 'bucket' && page.type !== 'overflow') continue;
      const [stats] = await inspect('dup_hash', block, 'SELECT nullif(hasho_prevblkno, 4294967295) AS hasho_prevblkno, nullif(hasho_nextblkno, 4294967295) AS hasho_nextblkno, hasho_bucket FROM hash_page_stats($page)');
      expect(asText(page.special, Object.keys(stats!))).toEqual(stats);
      const items = await inspect('dup_hash', block, 'SELECT itemoffset, ctid, data FROM hash_page_items($page)');
      expect(page.linePointers.map((lp) => ({ itemoffset: String(lp.offnum), ctid: text(lp.fields['ctid']), data: text(lp.fields['hash']) }))).toEqual(items);
    }
  });

  it('agrees with gin_metapage_info, gin_page_opaque_info and gin_leafpage_items', async () => {
    const types = new Set<string>();
    for (const index of ['arr_a', 'arr_f']) {
      const pages = await pagesOf(index, 'gin');
      const [meta] = await inspect(index, 0, `SELECT nullif(pending_head, 4294967295) AS head, nullif(pending_tail, 4294967295) AS tail, tail_free_size AS "tailFreeSize",
        n_pending_pages AS "nPendingPages", n_pending_tuples AS "nPendingHeapTuples", n_total_pages AS "nTotalPages", n_entry_pages AS "nEntryPages",
        n_data_pages AS "nDataPages", n_entries AS "nEntries", version AS "ginVersion" FROM gin_metapage_info($page)`);
      expect(asText(pages[0]!.contents, Object.keys(meta!))).toEqual(meta);
      for (const [block, page] of pages.entries()) {
        types.add(page.type);
        const [opaque] = await rows(`SELECT nullif(rightlink, 4294967295)::text AS rightlink, maxoff, flags FROM gin_page_opaque_info(get_raw_page('${index}', ${block}))`);
        expect(text(page.special['rightlink'])).toBe(opaque!['rightlink']);
        expect(page.special['maxoff']).toBe(opaque!['maxoff']);
        expect(shortNames(page.special['flags'], /^GIN_/)).toEqual([...(opaque!['flags'] as string[])].sort());
        if (page.type !== 'data leaf') continue;
        const items = await inspect(index, block, `SELECT first_tid, nbytes, array_to_string(tids::text[], ' ') AS tids FROM gin_leafpage_items($page)`);
        expect(page.entries.map((e) => ({ first_tid: text(e['first_tid']), nbytes: text(e['nbytes']), tids: (e['tids'] as string[]).join(' ') }))).toEqual(items);
      }
    }
    expect([...types].sort()).toEqual(['data inner', 'data leaf', 'entry inner', 'entry leaf', 'list', 'meta']);
    // every heap TID of every key: in entries, in posting trees
    const items = new Map<string, number>();
    const pages = await pagesOf('arr_a', 'gin');
    const trees = pages.flatMap((page) => (page.type === 'entry leaf' ? page.linePointers : [])).filter((lp) => lp.fields['posting_tree'] !== undefined);
    expect(trees.length).toBeGreaterThan(0);
    const lists = pages.flatMap((page) => (page.type === 'data leaf' ? page.entries : page.type === 'entry leaf' ? page.linePointers.map((lp) => lp.fields) : []));
    for (const list of lists) for (const tid of (list['tids'] ?? []) as string[]) items.set(tid, (items.get(tid) ?? 0) + 1);
    const truth = await rows(`SELECT ctid::text AS tid, greatest(1, (SELECT count(DISTINCT x) FROM unnest(a) x))::int AS n FROM arr`);
    expect(Object.fromEntries(items)).toEqual(Object.fromEntries(truth.map(({ tid, n }) => [tid, n])));
  });

  it('finds every row once in the leaves of GiST and SP-GiST', async () => {
    const truth = (await rows('SELECT ctid::text AS tid FROM pts')).map(({ tid }) => tid).sort();
    const gist = await pagesOf('pts_gist', 'gist');
    expect(gist.filter((page) => page.type === 'leaf').flatMap((page) => page.linePointers.map((lp) => lp.fields['ctid'])).sort()).toEqual(truth);
    // pageinspect knows GiST from 14 on
    for (const [block, page] of major < 14 ? [] : gist.entries()) {
      const [opaque] = await rows(`SELECT nsn, nullif(rightlink, 4294967295)::text AS rightlink, flags FROM gist_page_opaque_info(get_raw_page('pts_gist', ${block}))`);
      expect(page.special['nsn']).toBe(opaque!['nsn']);
      expect(text(page.special['rightlink'])).toBe(opaque!['rightlink']);
      expect(shortNames(page.special['flags'], /^F_/)).toEqual([...(opaque!['flags'] as string[])].sort());
      const items = await inspect('pts_gist', block, `SELECT itemoffset, ctid, itemlen, encode(substr(key_data, 9), 'hex') AS key FROM gist_page_items_bytea($page)`);
      expect(page.linePointers.map((lp) => ({ itemoffset: String(lp.offnum), ...asText(lp.fields, ['ctid', 'itemlen', 'key']) }))).toEqual(items);
    }
    for (const index of ['pts_quad', 'pts_radix']) {
      const spgist = await pagesOf(index, 'spgist');
      expect(spgist[0]!.type).toBe('meta');
      const leaves = spgist.filter((page) => page.type === 'leaf').flatMap((page) => page.linePointers).filter((lp) => lp.fields['tupstate'] === 'live');
      expect(leaves.map((lp) => lp.fields['htid']).sort()).toEqual(truth);
      const inner = spgist.filter((page) => page.type === 'inner').flatMap((page) => page.linePointers).filter((lp) => lp.fields['tupstate'] === 'live');
      expect(inner.length).toBeGreaterThan(0);
      for (const lp of inner) expect((lp.fields['nodes'] as string[]).length).toBe(lp.fields['nNodes']);
    }
  });

  it('agrees with brin_metapage_info, brin_revmap_data and brin_page_items', async () => {
    const pages = await pagesOf('dup_brin', 'brin');
    const [meta] = await inspect('dup_brin', 0, 'SELECT version AS "brinVersion", pagesperrange AS "pagesPerRange", lastrevmappage AS "lastRevmapPage" FROM brin_metapage_info($page)');
    expect(asText(pages[0]!.contents, Object.keys(meta!))).toEqual(meta);
    const revmap = await inspect('dup_brin', 1, `SELECT pages FROM brin_revmap_data($page) WHERE pages <> '(0,0)' AND pages <> '(4294967295,0)'`);
    expect(pages[1]!.entries.map((e) => ({ pages: text(e['tid']) }))).toEqual(revmap);
    expect(revmap.length).toBeGreaterThan(10);
    const empty = major >= 16 ? ', empty' : '';
    for (const [block, page] of pages.entries()) {
      if (page.type !== 'regular') continue;
      const items = await inspect('dup_brin', block, `SELECT itemoffset, blknum, placeholder${empty} FROM brin_page_items($page, 'dup_brin') WHERE attnum = 1`);
      expect(page.linePointers.map((lp) => ({ itemoffset: String(lp.offnum), ...asText(lp.fields, ['blknum', 'placeholder', ...(major >= 16 ? ['empty'] : [])]) }))).toEqual(items);
    }
  });

  it('reads sequences, the visibility map and the free space map', async () => {
    const [sequence] = await pagesOf('seq', 'sequence');
    const [truth] = await rows('SELECT last_value, log_cnt, is_called FROM seq');
    expect(sequence!.special['magic']).toBe('0x1717');
    expect(sequence!.linePointers[0]!.fields).toMatchObject(truth!);

    const map = (await pagesOf('h', 'vm', 'vm')).flatMap((page) => page.entries);
    const bits = await rows('SELECT blkno::int AS block, all_visible, all_frozen FROM pg_visibility_map(\'h\') WHERE all_visible OR all_frozen ORDER BY 1');
    expect(map.flatMap((run) => Array.from({ length: Number(run['last_block']) - Number(run['first_block']) + 1 }, (_, i) => (
      { block: Number(run['first_block']) + i, all_visible: run['all_visible'], all_frozen: run['all_frozen'] })))).toEqual(bits);

    await client.query('DELETE FROM dup WHERE id < 3000');
    await client.query('VACUUM dup');
    const fsm = await pagesOf('dup', 'fsm', 'fsm');
    expect(fsm.map((page) => page.type)).toEqual(['root', 'inner', 'bottom']);
    const space = await rows(`SELECT blkno::int AS heap_block, avail::int AS available FROM pg_freespace('dup') WHERE avail > 0 ORDER BY 1`);
    expect(space.length).toBeGreaterThan(10);
    expect(fsm[2]!.entries.map(({ heap_block, available }) => ({ heap_block, available }))).toEqual(space);
    expect(fsm[0]!.entries.map(({ child, category }) => [child, category])).toEqual([[1, fsm[1]!.contents['root']]]);
    expect(fsm[1]!.entries.map(({ child, category }) => [child, category])).toEqual([[2, fsm[2]!.contents['root']]]);
  });
});

describe('describing damaged pages', () => {
  it('names what is wrong and decodes the rest', () => {
    const page = new Page().init();
    page.addItem(new Uint8Array(32), 1);
    page.addItem(Uint8Array.from({ length: 32 }, (_, i) => (i === 22 ? 24 : 0)), 2);
    page.setItemId(1, 8000, 1, 400);
    const described = describePage(page, 'heap', 0, 18);
    expect(described.problems).toEqual(['line pointer 1: 400 bytes at 8000 are outside the page']);
    expect(described.linePointers[1]!.fields).toMatchObject({ t_xmin: 0, t_hoff: 24, t_data: '00'.repeat(8) });
  });

  it.each(['btree', 'hash', 'gin', 'gist', 'spgist', 'brin'] as const)('does not take a heap page for a page of %s', (kind) => {
    const described = describePage(new Page().init(), kind, 1, 18);
    expect(described.type).toBe('unknown');
    expect(described.problems).toHaveLength(1);
  });

  it('calls a page of zeros new', () => {
    expect(describePage(new Page(), 'btree', 3, 13)).toMatchObject({ type: 'new', problems: [], linePointers: [] });
  });

  it.each(['heap', 'btree', 'hash', 'gin', 'gist', 'spgist', 'brin', 'sequence', 'vm', 'fsm'] as const)('survives any bytes as %s', (kind) => {
    let state = 1;
    for (let round = 0; round < 200; round++) {
      const page = new Page();
      for (let i = 0; i < BLCKSZ; i++) {
        state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
        page.bytes[i] = state >>> 24;
      }
      if (round % 2 === 1) {
        page.init(round % 4 === 1 ? 16 : 8);
        page.pdLower = 24 + (state % 400) * 4;
        page.bytes.fill(state >>> 16, 24, BLCKSZ - 4);
      }
      expect(() => describePage(page, kind, round, 18)).not.toThrow();
    }
  });
});
