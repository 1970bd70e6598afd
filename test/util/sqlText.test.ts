import { describe, expect, it } from 'vitest';
import { quoteIdentifier } from '../../src/util/quote.js';
import { recordText } from '../../src/util/recordText.js';

describe('text that must be what PostgreSQL prints', () => {
  it('quotes a field of a row for ASCII blanks alone', () => {
    // SELECT ROW(…)::text of 16.14
    expect(recordText(['a b', 'a\u00a0b', 'a\u2028b', 'a\u3000b', 'a\ufeffb', 'a\vb', '', null, 'a"b\\c', '(1,2)'])).toBe('("a b",a\u00a0b,a\u2028b,a\u3000b,a\ufeffb,"a\vb","",,"a""b\\\\c","(1,2)")');
  });

  it('quotes a name for the keywords of its major alone', () => {
    // SELECT quote_ident('json') of 16.14 and 17.10
    expect([15, 16, 17].map((major) => quoteIdentifier('json', major))).toEqual(['json', 'json', '"json"']);
    expect([15, 16].map((major) => quoteIdentifier('json_object', major))).toEqual(['json_object', '"json_object"']);
    expect([16, 17].map((major) => quoteIdentifier('json_scalar', major))).toEqual(['json_scalar', '"json_scalar"']);
    expect(quoteIdentifier('json')).toBe('"json"');
  });
});
