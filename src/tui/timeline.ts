/** The strip at the bottom: WAL over time, with the moment and the marks below it. */
import { formatTimestamptz } from '../util/pgTime.js';
import type { Moment } from '../query/moment.js';
import type { Activity } from './model.js';

const BARS = ' ▁▂▃▄▅▆▇█';

export interface TimelineMarks {
  moment: Moment;
  a: Moment | undefined;
  b: Moment | undefined;
}

/** Two lines of `width` columns: bars (square roots of bytes, so that small ones still show), and the axis with `A`, `B` and the moment's `▲`. */
export function timelineLines(activity: Activity | undefined, marks: TimelineMarks, width: number): [string, string] {
  if (!activity || width < 20) return [' '.repeat(width), '─'.repeat(width)];
  const columns = new Array<number>(width).fill(0);
  activity.bytes.forEach((bytes, i) => (columns[Math.floor((i / activity.bytes.length) * width)]! += bytes));
  const most = Math.max(1, ...columns);
  const bars = columns.map((bytes) => BARS[bytes === 0 ? 0 : Math.max(1, Math.round(Math.sqrt(bytes / most) * (BARS.length - 1)))]!).join('');
  const axis = [...'─'.repeat(width)];
  const put = (text: string, at: number): void => [...text].forEach((c, i) => (axis[at + i] = c));
  const zone = marks.moment.zone;
  const time = (micros: number): string => formatTimestamptz(micros, zone).replace(/\.\d+/, '').slice(5, 19);
  put(`${time(activity.from)} `, 0);
  put(` ${time(activity.to)}`, width - 15);
  const place = (moment: Moment): number | undefined => (moment.time === null ? undefined
    : Math.max(0, Math.min(width - 1, Math.floor(((moment.time - activity.from) / Math.max(1, activity.to - activity.from)) * width))));
  for (const [glyph, moment] of [['A', marks.a], ['B', marks.b], ['▲', marks.moment]] as const) {
    const at = moment && place(moment);
    if (at !== undefined) axis[at] = glyph;
  }
  return [bars, axis.join('')];
}
