/** walscope restore: a reviewable SQL script that brings tables back as they were. */
import { writeScript } from '../output/scriptText.js';
import { restoreScript } from '../query/restore.js';
import { Findings } from '../query/session.js';
import type { OnConflict } from '../query/sqlScript.js';
import { ExitCode } from '../util/errors.js';
import { DataOutput, notice, openDatabase, openSession, reportFindings, type CommonOptions } from './context.js';

export interface RestoreCommandOptions extends CommonOptions {
  missingOnly?: boolean;
  only?: boolean;
  onConflict?: OnConflict;
}

export async function restoreCommand(tables: string[], options: RestoreCommandOptions): Promise<ExitCode> {
  const session = openSession(options);
  const then = openDatabase(session, options);
  const latest = session.moment('latest');
  const now = session.databasesAt(latest).find((d) => d.database.oid === then.database.oid);
  const findings = new Findings();
  const output = new DataOutput(options.output, then.encoding.outputCharset);
  writeScript(restoreScript(then, now, { tables, only: options.only, missingOnly: options.missingOnly, onConflict: options.onConflict }, findings), (text) => output.write(text));
  output.end();
  const code = reportFindings(findings.list);
  if (code !== ExitCode.done) notice('the script is incomplete: rows that could not be read are not in it');
  return code;
}
