/** Runs a script as its user would: psql, stopping at the first error. */
import { spawnSync } from 'node:child_process';
import type { PostgresServer } from '../../fixtures/postgres/server.js';
import { writeScript } from '../../src/output/scriptText.js';
import type { ScriptPart } from '../../src/query/sqlScript.js';

export function scriptText(parts: Iterable<ScriptPart>): string {
  let text = '';
  writeScript(parts, (piece) => (text += piece));
  return text;
}

/** Throws what psql says where a statement fails. */
export function runPsql(server: PostgresServer, database: string, script: string): void {
  const { status, stderr, error } = spawnSync('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-h', server.root, '-U', 'postgres', '-d', database, '-f', '-'], { input: script, encoding: 'utf8', stdio: ['pipe', 'ignore', 'pipe'] });
  if (error) throw error;
  if (status !== 0) throw new Error(`psql: ${stderr}`);
}
