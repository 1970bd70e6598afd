/** The house rules that can be read from the sources: floors, sizes, and what is not written here. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

/**
 * Each room, and the rooms that it may import. A room may always import itself. Listed in full, so that a new room or a new edge is
 * a decision that shows in a diff.
 */
const FLOORS: Record<string, string[]> = {
  util: [],
  pg: ['util'],
  archive: ['util', 'pg'],
  redo: ['util', 'pg'],
  layerfile: ['util', 'pg'],
  output: ['util', 'pg'],
  store: ['util', 'pg', 'archive', 'redo', 'layerfile'],
  rows: ['util', 'pg', 'store'],
  catalog: ['util', 'pg', 'store', 'rows'],
  query: ['util', 'pg', 'layerfile', 'redo', 'store', 'rows', 'catalog'],
  tui: ['util', 'pg', 'redo', 'layerfile', 'output', 'store', 'rows', 'catalog', 'query'],
  commands: ['util', 'pg', 'archive', 'redo', 'layerfile', 'output', 'store', 'rows', 'catalog', 'query', 'tui'],
};
const FILE_SYSTEM_ROOMS = new Set(['archive', 'layerfile', 'commands']);

const MAX_LINES = 420;
/** Longer than a file should be, each for a reason. */
const LONG_FILES: Record<string, string> = {
  'src/pg/xlogReader.ts': "xlogreader.c's reader as one class: every check beside the next",
};

interface Source {
  path: string;
  room: string;
  text: string;
}

function sources(folder: string, extension = /\.tsx?$/): Source[] {
  const entries = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && extension.test(entry.name) && !entry.parentPath.includes('node_modules'))
    .map((entry) => {
      const path = relative(ROOT, join(entry.parentPath, entry.name));
      return { path, room: path.split('/')[1]!, text: readFileSync(join(ROOT, path), 'utf8') };
    });
}

const src = sources('src');
const tests = sources('test');
const fixtures = sources('fixtures');
const bench = sources('bench');
const isGenerated = (source: Source): boolean => /^(\/\*\*?|\/\/)[^\n]*generated/im.test(source.text.slice(0, 600));
const parsed = new Map<string, ts.SourceFile>();
function parse(source: Source): ts.SourceFile {
  let file = parsed.get(source.path);
  if (!file) parsed.set(source.path, (file = ts.createSourceFile(source.path, source.text, ts.ScriptTarget.ES2023, true)));
  return file;
}

/** Module names that a file imports, type imports and dynamic ones included. */
function imports(source: Source): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier && ts.isStringLiteral(node.moduleSpecifier)) found.push(node.moduleSpecifier.text);
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword && ts.isStringLiteral(node.arguments[0]!)) found.push(node.arguments[0].text);
    ts.forEachChild(node, visit);
  };
  visit(parse(source));
  return found;
}

function roomOf(source: Source, module: string): string | undefined {
  if (!module.startsWith('.')) return undefined;
  return relative(join(ROOT, 'src'), join(ROOT, dirname(source.path), module)).split('/')[0];
}

function lineOf(source: Source, node: ts.Node): string {
  return `${source.path}:${parse(source).getLineAndCharacterOfPosition(node.getStart()).line + 1}`;
}

describe('floors', () => {
  it('sees the sources', () => {
    expect(src.length).toBeGreaterThan(250);
    expect(new Set(src.map((source) => source.room))).toEqual(new Set(Object.keys(FLOORS).filter((room) => src.some((source) => source.room === room))));
  });

  it('imports run downward only, and siblings do not import each other', () => {
    const wrong: string[] = [];
    for (const source of src) {
      for (const module of imports(source)) {
        const room = roomOf(source, module);
        if (room !== undefined && room !== source.room && room !== '..' && !FLOORS[source.room]!.includes(room)) wrong.push(`${source.path} imports ${module}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('the sources import nothing from tests, fixtures or benchmarks', () => {
    const wrong = src.flatMap((source) => imports(source).filter((module) => roomOf(source, module) === '..').map((module) => `${source.path} imports ${module}`));
    expect(wrong).toEqual([]);
  });

  it('only archive, layerfile and commands touch the file system', () => {
    const wrong = src.flatMap((source) => imports(source)
      .filter((module) => /^(node:)?(fs|fs\/promises|child_process|net|http|https)$/.test(module) && !FILE_SYSTEM_ROOMS.has(source.room))
      .map((module) => `${source.path} imports ${module}`));
    expect(wrong).toEqual([]);
  });

  it('pg and redo are functions over bytes: no process, no clock, no console', () => {
    const wrong = src.filter((source) => ['pg', 'redo', 'rows', 'util'].includes(source.room))
      .flatMap((source) => [...source.text.matchAll(/\b(process\.|console\.|Date\.now\(|Math\.random\()/g)].map((match) => `${source.path}: ${match[0]}`));
    expect(wrong).toEqual([]);
  });

  it('no file imports itself in a circle of rooms', () => {
    // the table itself must be free of circles, or "downward" means nothing
    const reaches = (room: string, seen: string[]): string[] => FLOORS[room]!.flatMap((next) => (seen.includes(next) ? [`${[...seen, next].join(' > ')}`] : reaches(next, [...seen, next])));
    for (const room of Object.keys(FLOORS)) expect(reaches(room, [room])).toEqual([]);
  });
});

describe('sizes', () => {
  it(`files have at most ${MAX_LINES} lines`, () => {
    const long = [...src, ...tests, ...fixtures, ...bench].filter((source) => source.text.split('\n').length > MAX_LINES && !isGenerated(source) && !(source.path in LONG_FILES));
    expect(long.map((source) => `${source.path} ${source.text.split('\n').length}`)).toEqual([]);
  });

  it('the exceptions are still exceptions', () => {
    const all = new Map(src.map((source) => [source.path, source]));
    for (const path of Object.keys(LONG_FILES)) expect(`${path} ${(all.get(path)?.text.split('\n').length ?? 0) > MAX_LINES}`).toBe(`${path} true`);
  });
});

describe('words', () => {
  const everything = [...src, ...tests, ...fixtures, ...bench].filter((source) => source.path !== 'test/tidy.test.ts');

  it('no any, no suppressed type errors', () => {
    const wrong: string[] = [];
    for (const source of everything.filter((each) => !each.path.endsWith('.as.ts'))) {
      const visit = (node: ts.Node): void => {
        if (node.kind === ts.SyntaxKind.AnyKeyword) wrong.push(lineOf(source, node));
        ts.forEachChild(node, visit);
      };
      visit(parse(source));
      for (const match of source.text.matchAll(/@ts-(ignore|nocheck|expect-error)/g)) wrong.push(`${source.path}: ${match[0]}`);
    }
    expect(wrong).toEqual([]);
  });

  it('no empty catch', () => {
    const wrong: string[] = [];
    for (const source of everything) {
      const visit = (node: ts.Node): void => {
        if (ts.isCatchClause(node) && node.block.statements.length === 0) wrong.push(lineOf(source, node));
        ts.forEachChild(node, visit);
      };
      visit(parse(source));
    }
    expect(wrong).toEqual([]);
  });

  it('no test is left out', () => {
    const wrong = tests.filter((source) => source.path !== 'test/tidy.test.ts')
      .flatMap((source) => [...source.text.matchAll(/\b(it|test|describe)\.(skip|only|todo|skipIf|runIf|fails)\b|\bx(it|describe)\(/g)].map((match) => `${source.path}: ${match[0]}`));
    expect(wrong).toEqual([]);
  });

  it('nothing is left to do later', () => {
    const wrong = everything.flatMap((source) => [...source.text.matchAll(/\b(TODO|FIXME|XXX|HACK)\b(?!['"\]])/g)].map((match) => `${source.path}: ${match[0]}`));
    expect(wrong).toEqual([]);
  });

  it('no paths of somebody\'s machine', () => {
    const texts = [...everything, ...sources('docs', /\.md$/), ...sources('scripts', /./), ...sources('.ci', /./), { path: 'README.md', room: '', text: readFileSync(join(ROOT, 'README.md'), 'utf8') }];
    const wrong = texts.flatMap((source) => [...source.text.matchAll(/(^|[\s'"`(])(\/work\/|\/home\/\w|\/Users\/\w|\/root\/)/gm)].map((match) => `${source.path}: ${match[0].trim()}`));
    expect(wrong).toEqual([]);
  });
});

describe('doc comments', () => {
  /** Files of one concept whose exports explain each other: redo bodies, record layouts and descriptions mirror their C source by name. */
  const speaksForItself = (source: Source): boolean => source.room === 'redo' || source.path.includes('/wasm/');

  const opens = (source: Source): boolean => /^\s*(\/\*\*|\/\/)/.test(source.text);

  function hasDocComment(node: ts.Node): boolean {
    return ts.getJSDocCommentsAndTags(node).length > 0;
  }

  it('stand on every exported function of more than three lines; one that is alone in its file may be explained at its head', () => {
    const wrong: string[] = [];
    for (const source of src.filter((each) => !speaksForItself(each) && !isGenerated(each))) {
      const exported = parse(source).statements.filter(
        (statement): statement is ts.FunctionDeclaration => ts.isFunctionDeclaration(statement) && statement.modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword) === true);
      if (exported.length === 1 && opens(source)) continue;
      for (const statement of exported) {
        if (source.room === 'commands' && opens(source) && /Command$/.test(statement.name?.text ?? '')) continue; // the file's head tells of its command
        if (statement.getText().split('\n').length > 3 && !hasDocComment(statement)) wrong.push(`${lineOf(source, statement)} ${statement.name?.text}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('say of every source file what it holds, but for the rows of the resource managers', () => {
    const wrong = src.filter((source) => !opens(source) && !/\/redo\/\w+\/index\.ts$/.test(source.path) && !hasLeadingDoc(source)).map((source) => source.path);
    expect(wrong).toEqual([]);
  });

  /** Or, in a file that holds one thing, that thing's own comment. */
  function hasLeadingDoc(source: Source): boolean {
    const first = parse(source).statements.find((statement) => !ts.isImportDeclaration(statement));
    return first !== undefined && (hasDocComment(first) || parse(source).statements.some(hasDocComment));
  }
});
