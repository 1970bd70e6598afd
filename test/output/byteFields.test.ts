import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeCopyField, quoteCsvField } from '../../src/output/byteFields.js';
import { CopyWriter, CsvWriter } from '../../src/output/copy.js';
import { ByteSink } from '../../src/util/byteSink.js';

const text = fc.oneof(fc.string({ unit: fc.constantFrom(...'a"\\,.\n\r\t\v\f\b ä€'), maxLength: 20 }), fc.constantFrom('', '\\.', '"', ','));

function written(values: readonly string[], writer: (sink: (text: string) => void) => { row(values: string[]): void }): string {
  let out = '';
  writer((piece) => { out += piece; }).row([...values]);
  return out;
}

describe('fields in place', () => {
  it('are quoted as the CSV writer quotes them', () => {
    fc.assert(fc.property(fc.array(text, { minLength: 1, maxLength: 3 }), (values) => {
      const sink = new ByteSink(4);
      values.forEach((value, i) => {
        if (i > 0) sink.byte(0x2c);
        const from = sink.length;
        sink.text(value);
        quoteCsvField(sink, from, values.length === 1);
      });
      sink.byte(0x0a);
      const columns = values.map((_, i) => ({ name: `c${i}`, typeName: 'text' }));
      const header = `${columns.map((c) => c.name).join(',')}\n`;
      expect(header + Buffer.from(sink.bytes.subarray(0, sink.length)).toString('utf8')).toBe(written(values, (out) => new CsvWriter(columns, out)));
    }), { seed: 21, numRuns: 2000 });
  });

  it('are escaped as the COPY writer escapes them', () => {
    fc.assert(fc.property(text, (value) => {
      const sink = new ByteSink(4);
      sink.byte(0x5c);
      sink.text(value);
      escapeCopyField(sink, 1);
      sink.byte(0x0a);
      expect(Buffer.from(sink.bytes.subarray(1, sink.length)).toString('utf8')).toBe(written([value], (out) => new CopyWriter(out)));
    }), { seed: 22, numRuns: 2000 });
  });
});

describe('a byte sink', () => {
  it('writes whole numbers as JavaScript does', () => {
    fc.assert(fc.property(fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.integer({ min: -1000, max: 1000 })), (value) => {
      const sink = new ByteSink(1);
      sink.integer(value);
      expect(Buffer.from(sink.bytes.subarray(0, sink.length)).toString()).toBe(String(value));
    }), { seed: 23, numRuns: 5000 });
  });

  it('pads digits to a width', () => {
    const padded = (value: number, width: number): string => {
      const sink = new ByteSink(1);
      sink.digits(value, width);
      return Buffer.from(sink.bytes.subarray(0, sink.length)).toString();
    };
    expect([padded(7, 4), padded(0, 1), padded(12345, 4), padded(99, 9), padded(4294967295, 1)]).toEqual(['0007', '0', '12345', '000000099', '4294967295']);
  });

  it('writes text in either charset, growing as needed', () => {
    fc.assert(fc.property(fc.string({ unit: 'grapheme', maxLength: 300 }), (value) => {
      const sink = new ByteSink(1);
      sink.text(value);
      expect(Buffer.from(sink.bytes.subarray(0, sink.length))).toEqual(Buffer.from(value, 'utf8'));
    }), { seed: 24 });
    const sink = new ByteSink(1);
    sink.text('\u00e4\u00ff', 'latin1');
    sink.copy(new Uint8Array(500).fill(9), 100, 300);
    expect([...sink.bytes.subarray(0, 3)]).toEqual([0xe4, 0xff, 9]);
    expect(sink.length).toBe(302);
  });
});
