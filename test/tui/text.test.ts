/** Cells of a fixed width: whatever the data holds, the terminal gets so many columns and no control. */
import { describe, expect, it } from 'vitest';
import { displayWidth } from '../../src/output/terminalText.js';
import { shellQuote } from '../../src/util/shell.js';
import { chooseColumns, firstFor, growWidths } from '../../src/tui/grid.js';
import { keyNames } from '../../src/tui/keys.js';
import { painter } from '../../src/tui/paint.js';
import { fit } from '../../src/tui/text.js';

describe('fit', () => {
  it.each(['plain', 'a\u001b[2Jb', 'line\nline', '日本語のテキスト', 'e\u0301e\u0301e\u0301', '👩‍👩‍👧‍👧👍🏽', '\u202eright to left', 'x'.repeat(100_000), ''])('gives exactly the width for %j', (text) => {
    for (const width of [1, 3, 8, 40]) {
      const cell = fit(text, width);
      expect(displayWidth(cell)).toBe(width);
      // eslint-disable-next-line no-control-regex -- that there is none is the point
      expect(cell).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
    }
  });

  it('aligns numbers to the right', () => {
    expect(fit('42', 5, true)).toBe('   42');
  });
});

describe('a grid', () => {
  const columns = ['id', 'a', 'b', 'c'].map((name) => ({ name, typeName: 'text', isKey: name === 'id' }));
  const widths = growWidths([], columns, [{ values: ['1', 'x'.repeat(30), null, 'last'] }]);
  const names = (first: number, width: number): string[] => chooseColumns(columns, widths, first, width).shown.map((column) => columns[column.at]!.name);

  it('keeps the key while it scrolls', () => {
    expect(names(2, 40)).toEqual(['id', 'b', 'c']);
    expect(names(0, 30)).toEqual(['id', 'a']);
    expect(chooseColumns(columns, widths, 0, 30).hasMore).toBe(true);
  });

  it('scrolls no further than a column needs', () => {
    expect(firstFor(columns, widths, 3, 0, 80)).toBe(0);
    expect(names(firstFor(columns, widths, 3, 0, 30), 30)).toContain('c');
    expect(firstFor(columns, widths, 1, 3, 30)).toBe(1);
  });

  it('does not become narrower when long values scroll away', () => {
    expect(growWidths(widths, columns, [{ values: ['1', 'x', 'y', 'z'] }])).toEqual(widths);
  });
});

describe('keys and words', () => {
  it('takes apart keys that came together', () => {
    expect(keyNames('jj\r\u0003\u0004', {} as Parameters<typeof keyNames>[1])).toEqual(['j', 'j', 'enter', 'ctrl-c', 'ctrl-d']);
  });

  it('reads the mouse, and nothing where a button is let go', () => {
    expect(keyNames('[<64;10;5M', {} as Parameters<typeof keyNames>[1])).toEqual(['mouse:64,10,5']);
    expect(keyNames('[<0;10;5m', {} as Parameters<typeof keyNames>[1])).toEqual([]);
  });

  it('quotes for a shell', () => {
    expect(shellQuote("it's")).toBe("'it'\\''s'");
    expect(shellQuote('/tmp/case')).toBe('/tmp/case');
  });

  it('leaves colours out where they are not wanted', () => {
    expect(painter(false)('text', 'red')).toBe('text');
    expect(painter(true)('text', 'red')).not.toBe('text');
  });
});
