/**
 * Time zones: the offset from UTC at an instant, from the ICU data that Node carries, cached a calendar year at a time. For times to come the server's own
 * tzdata may foresee other rules.
 * Beyond the years that ICU knows, rules repeat with the 400-year calendar, as in localsub(), timezone/localtime.c.
 */

/** Seconds in 400 Gregorian years. */
const CYCLE_SECONDS = 146_097 * 86_400;
/** Before 1800 every zone has its local mean time; from 2038 on, only rules. */
const FIRST_SECOND = Date.UTC(1800, 0, 1) / 1000;
const RULES_ONLY_SECOND = Date.UTC(2038, 0, 1) / 1000;
/** No zone is known to change twice within this time. */
const SAMPLE_SECONDS = 5 * 86_400;

/** Offsets of one calendar year: `offsets[i]` holds from `starts[i]` on (Unix seconds). */
interface YearOffsets {
  from: number;
  until: number;
  starts: number[];
  offsets: number[];
}

/** A zone by name or by a fixed offset. Offsets are seconds east of UTC. */
export class TimeZone {
  private readonly years = new Map<number, YearOffsets>();
  private current: YearOffsets | undefined;

  constructor(
    readonly name: string,
    /** Undefined for a zone whose offset changes. */
    private readonly fixed: number | undefined,
    private readonly format?: Intl.DateTimeFormat,
  ) {}

  get isUtc(): boolean {
    return this.fixed === 0;
  }

  /** The offset at an instant in Unix seconds. */
  offsetAt(unixSeconds: number): number {
    if (this.fixed !== undefined) return this.fixed;
    let at = unixSeconds < FIRST_SECOND ? FIRST_SECOND : unixSeconds;
    if (at >= RULES_ONLY_SECOND + CYCLE_SECONDS) at -= Math.floor((at - RULES_ONLY_SECOND) / CYCLE_SECONDS) * CYCLE_SECONDS;
    let year = this.current;
    if (!year || at < year.from || at >= year.until) this.current = year = this.yearOf(at);
    const starts = year.starts;
    let i = starts.length - 1;
    while (i > 0 && starts[i]! > at) i--;
    return year.offsets[i]!;
  }

  /**
   * The offset of a local time, given as if it were UTC in Unix seconds. A skipped time takes the offset before the change,
   * a repeated one the offset after it (DetermineTimeZoneOffset(), utils/adt/datetime.c).
   */
  offsetOfLocal(localSeconds: number): number {
    if (this.fixed !== undefined) return this.fixed;
    const before = this.offsetAt(localSeconds - 86_400);
    const after = this.offsetAt(localSeconds + 86_400);
    if (before === after) return before;
    const fitsAfter = this.offsetAt(localSeconds - after) === after;
    return fitsAfter ? after : before;
  }

  private yearOf(at: number): YearOffsets {
    const year = new Date(at * 1000).getUTCFullYear();
    let known = this.years.get(year);
    if (!known) {
      known = this.scanYear(Date.UTC(year, 0, 1) / 1000, Date.UTC(year + 1, 0, 1) / 1000);
      this.years.set(year, known);
    }
    return known;
  }

  private scanYear(from: number, until: number): YearOffsets {
    const result: YearOffsets = { from, until, starts: [from], offsets: [this.ask(from)] };
    let low = from;
    let lowOffset = result.offsets[0]!;
    while (low < until) {
      const high = Math.min(low + SAMPLE_SECONDS, until);
      const highOffset = this.ask(high);
      if (highOffset !== lowOffset) {
        let a = low, b = high;
        while (b - a > 1) {
          const middle = Math.floor((a + b) / 2);
          if (this.ask(middle) === lowOffset) a = middle;
          else b = middle;
        }
        result.starts.push(b);
        result.offsets.push(highOffset);
      }
      low = high;
      lowOffset = highOffset;
    }
    return result;
  }

  private ask(unixSeconds: number): number {
    const field: Record<string, number> = {};
    for (const part of this.format!.formatToParts(unixSeconds * 1000)) {
      if (part.type !== 'literal') field[part.type] = Number(part.value);
    }
    const local = Date.UTC(field['year']!, field['month']! - 1, field['day']!, field['hour']!, field['minute']!, field['second']!);
    return Math.round(local / 1000) - unixSeconds;
  }
}

export const UTC = new TimeZone('UTC', 0);

const FIXED = /^([+-])(\d\d?)(?::?(\d\d)(?::?(\d\d))?)?$/;
const known = new Map<string, TimeZone>();

/**
 * The zone of a name (`Europe/Berlin`, `UTC`, `Z`) or of an ISO offset (`+02`, `-03:30`: east is positive).
 * Undefined where there is no such zone.
 */
export function timeZone(name: string): TimeZone | undefined {
  const key = name.toLowerCase();
  let zone = known.get(key);
  if (!zone) {
    zone = makeZone(name, key);
    if (zone) known.set(key, zone);
  }
  return zone;
}

function makeZone(name: string, key: string): TimeZone | undefined {
  if (key === 'utc' || key === 'z' || key === 'gmt' || key === 'etc/utc' || key === 'zulu' || key === 'uct') return new TimeZone(key === 'z' ? 'UTC' : name, 0);
  const match = FIXED.exec(name);
  if (match) {
    const seconds = Number(match[2]) * 3600 + Number(match[3] ?? 0) * 60 + Number(match[4] ?? 0);
    return new TimeZone(name, match[1] === '-' && seconds !== 0 ? -seconds : seconds);
  }
  const options: Intl.DateTimeFormatOptions = {
    calendar: 'gregory', numberingSystem: 'latn', hourCycle: 'h23', timeZone: name,
    year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric',
  };
  try {
    return new TimeZone(name, undefined, new Intl.DateTimeFormat('en-US', options));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
