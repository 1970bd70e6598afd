/** Answers in a running session, as on screen: the same table as of one moment after the other. */
import { performance } from 'node:perf_hooks';
import { asof } from '../src/query/asof.js';
import { Findings, Session } from '../src/query/session.js';
import { openCase } from '../src/store/openCase.js';
import { BENCH_DATABASE, type BenchArchive, type BenchMoment } from './archive.js';

export interface SessionTimes {
  /** On to the middle of the archive from its first quarter, and to its end from there. */
  middleMs: number;
  lateMs: number;
  /** Back to the middle, which was looked at before. */
  backMs: number;
}

/** One session: a quarter, the middle, late, the middle again. Throws where an answer is not the server's. */
export async function timeSession(caseDir: string, archive: BenchArchive): Promise<SessionTimes> {
  const store = openCase(caseDir);
  const session = new Session(store);
  const answer = async (moment: BenchMoment): Promise<number> => {
    const began = performance.now();
    const database = session.database(session.moment(moment.lsn), BENCH_DATABASE);
    const { columns, rows } = await asof(database, database.table('pgbench_branches'), {}, new Findings());
    let text = `${columns.map(({ name }) => name).join(',')}\n`;
    rows((values) => void (text += `${values.join(',')}\n`));
    const ms = performance.now() - began;
    if (text !== moment.branches) throw new Error(`the session's answer at ${moment.lsn} differs from the server's`);
    return ms;
  };
  const [first, middle, late] = [archive.moments[0]!, middleOf(archive), lateOf(archive)];
  await answer(first);
  const times = { middleMs: await answer(middle), lateMs: await answer(late), backMs: await answer(middle) };
  store.close();
  return times;
}

export const middleOf = ({ moments }: BenchArchive): BenchMoment => moments.find(({ share }) => share >= 0.5)!;
/** Something was just lost, the usual case: recovery replays nearly all. */
export const lateOf = ({ moments }: BenchArchive): BenchMoment => moments.at(-1)!;
