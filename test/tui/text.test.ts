/** Cells of a fixed width: whatever the data holds, the terminal gets so many columns and no control. */
import { describe, expect, it } from 'vitest';
import { displayWidth } from '../../src/output/terminalText.js';
import { shellQuote } from '../../src/tui/commandLine.js';
import { layOut } from '../../src/tui/grid.js';
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
  const rows = [{ values: ['1', 'x'.repeat(30), null, 'last'], change: undefined }];

  it('keeps the key while it scrolls', () => {
    expect(layOut(columns, rows, 2, 40).heading.map((cell) => cell.text.trim())).toEqual(['id', 'b', 'c']);
    expect(layOut(columns, rows, 0, 30).hasMore).toBe(true);
  });

  it('tells NULL from text', () => {
    const cells = layOut(columns, rows, 0, 80).lines[0]!.cells;
    expect(cells.map((cell) => cell.isNull)).toEqual([false, false, true, false]);
  });
});

describe('keys and words', () => {
  it('takes apart keys that came together', () => {
    expect(keyNames('jj\r', {} as Parameters<typeof keyNames>[1])).toEqual(['j', 'j', 'enter']);
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
