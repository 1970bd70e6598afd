/** The strip at the bottom: WAL over time, with incidents, the marks and the moment below it. */
import type { Activity, IncidentLine, MomentInfo } from './protocol.js';

const BARS = ' ▁▂▃▄▅▆▇█';

export interface TimelineMarks {
  moment: MomentInfo | undefined;
  a: MomentInfo | undefined;
  b: MomentInfo | undefined;
  incidents: readonly Pick<IncidentLine, 'time'>[];
}

export interface TimelineText {
  /** From top to bottom: square roots of bytes, so that small ones still show. */
  bars: string[];
  /** `A`, `B`, `▲` for the moment, `!` for incidents. */
  axis: string;
}

/** Lines of exactly `width` columns; `rows` of bars. The times of both ends stand beside the axis, so that no mark falls on them. */
export function timelineText(activity: Activity | undefined, marks: TimelineMarks, width: number, rows: number): TimelineText {
  if (!activity || width < 40) return { bars: new Array<string>(rows).fill(' '.repeat(width)), axis: '─'.repeat(width) };
  const isOneDay = activity.fromText.slice(0, 10) === activity.toText.slice(0, 10);
  const label = (time: string): string => (isOneDay ? time.slice(11, 19) : time.slice(5, 16));
  const before = `${label(activity.fromText)} `, after = ` ${label(activity.toText)}`;
  const length = width - before.length - after.length;
  const columns = new Array<number>(length).fill(0);
  activity.bytes.forEach((bytes, i) => (columns[Math.floor((i / activity.bytes.length) * length)]! += bytes));
  const most = Math.max(1, ...columns);
  const heights = columns.map((bytes) => (bytes === 0 ? 0 : Math.max(1, Math.round(Math.sqrt(bytes / most) * rows * (BARS.length - 1)))));
  const bars = Array.from({ length: rows }, (_, row) => {
    const below = (rows - 1 - row) * (BARS.length - 1);
    return ' '.repeat(before.length) + heights.map((height) => BARS[Math.max(0, Math.min(BARS.length - 1, height - below))]!).join('') + ' '.repeat(after.length);
  });
  const axis = new Array<string>(length).fill('─');
  const put = (glyph: string, time: number | null | undefined): void => {
    if (time !== null && time !== undefined) axis[Math.max(0, Math.min(length - 1, Math.floor(((time - activity.from) / Math.max(1, activity.to - activity.from)) * length)))] = glyph;
  };
  for (const incident of marks.incidents) put('!', incident.time);
  put('A', marks.a?.time);
  put('B', marks.b?.time);
  put('▲', marks.moment?.time);
  return { bars, axis: `${before}${axis.join('')}${after}` };
}
