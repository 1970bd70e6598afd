/** Bytes as `hexdump -C` prints them: sixteen a line, repeated lines as one `*`, the length at the end. */

const LINE_BYTES = 16;

function hexByte(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}

function line(bytes: Uint8Array, at: number): string {
  const end = Math.min(at + LINE_BYTES, bytes.length);
  let hex = '';
  let text = '';
  for (let i = at; i < at + LINE_BYTES; i++) {
    if (i === at + LINE_BYTES / 2) hex += ' ';
    hex += i < end ? ` ${hexByte(bytes[i]!)}` : '   ';
    if (i < end) text += bytes[i]! >= 0x20 && bytes[i]! < 0x7f ? String.fromCharCode(bytes[i]!) : '.';
  }
  return `${at.toString(16).padStart(8, '0')} ${hex}  |${text}|\n`;
}

function sameLine(bytes: Uint8Array, a: number, b: number): boolean {
  for (let i = 0; i < LINE_BYTES; i++) if (bytes[a + i] !== bytes[b + i]) return false;
  return true;
}

export function hexdump(bytes: Uint8Array): string {
  let text = '';
  let repeats = false;
  for (let at = 0; at < bytes.length; at += LINE_BYTES) {
    const same = at > 0 && at + LINE_BYTES <= bytes.length && sameLine(bytes, at - LINE_BYTES, at);
    if (!same) text += line(bytes, at);
    else if (!repeats) text += '*\n';
    repeats = same;
  }
  return `${text}${bytes.length.toString(16).padStart(8, '0')}\n`;
}
