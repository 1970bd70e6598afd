/** Key presses by name: `up`, `ctrl-d`, `enter`, or the character itself. */
import type { Key } from 'ink';

const NAMED: readonly (readonly [keyof Key, string])[] = [
  ['upArrow', 'up'], ['downArrow', 'down'], ['leftArrow', 'left'], ['rightArrow', 'right'], ['pageUp', 'pageup'], ['pageDown', 'pagedown'],
  ['home', 'home'], ['end', 'end'], ['return', 'enter'], ['escape', 'esc'], ['tab', 'tab'], ['backspace', 'backspace'], ['delete', 'backspace'],
];

/** Names of the keys in one input event: keys that were typed fast, or pasted, come together. */
export function keyNames(input: string, key: Key): string[] {
  for (const [flag, name] of NAMED) if (key[flag]) return [name];
  if (key.ctrl) return [`ctrl-${input}`];
  return [...input].map((c) => (c === '\r' || c === '\n' ? 'enter' : c === '\t' ? 'tab' : c === '\u007f' ? 'backspace' : c));
}
