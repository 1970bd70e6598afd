/**
 * The text form of PostgreSQL's expression trees (pg_node_tree), as stringToNode() reads it: nodes in braces, lists in parentheses.
 * Follows pg_strtok() and nodeRead(), nodes/read.c, and _readDatum(), nodes/readfuncs.c, PG 13–18.
 */

/** A node: its type name and its fields. */
export interface TreeNode {
  type: string;
  fields: Map<string, TreeValue>;
}

/** A field: a node, a list, the bytes of a datum, a plain token, or nothing (`<>`). */
export type TreeValue = TreeNode | TreeValue[] | Uint8Array | string | null;

/** The text is no node tree, or the tree is not what its node should be. */
export class NodeTreeError extends Error {}

/** Reads one tree. */
export function parseNodeTree(text: string): TreeValue {
  const reader = new Reader(text);
  const value = reader.value();
  if (reader.peek() !== undefined) throw new NodeTreeError('text follows the tree');
  return value;
}

interface Token {
  /** With its escapes, as it stands in the text. */
  raw: string;
}

const DELIMITERS = '(){}';
const BLANKS = ' \n\t';

class Reader {
  private at = 0;
  private ahead: Token | undefined;

  constructor(private readonly text: string) {}

  peek(): string | undefined {
    this.ahead ??= this.token();
    return this.ahead?.raw;
  }

  private take(): string {
    const raw = this.peek();
    if (raw === undefined) throw new NodeTreeError('the tree ends too early');
    this.ahead = undefined;
    return raw;
  }

  private token(): Token | undefined {
    const { text } = this;
    while (this.at < text.length && BLANKS.includes(text[this.at]!)) this.at++;
    if (this.at >= text.length) return undefined;
    const start = this.at;
    if (DELIMITERS.includes(text[this.at]!)) {
      this.at++;
    } else {
      while (this.at < text.length && !BLANKS.includes(text[this.at]!) && !DELIMITERS.includes(text[this.at]!)) {
        if (text[this.at] === '\\' && this.at + 1 < text.length) this.at++;
        this.at++;
      }
    }
    return { raw: text.slice(start, this.at) };
  }

  value(): TreeValue {
    const raw = this.take();
    if (raw === '<>') return null;
    if (raw === '{') return this.node();
    if (raw === '(') return this.list();
    return unescape(raw);
  }

  private node(): TreeNode {
    const node: TreeNode = { type: this.take(), fields: new Map() };
    for (;;) {
      const label = this.take();
      if (label === '}') return node;
      if (!label.startsWith(':')) throw new NodeTreeError(`${node.type}: expected a field, found ${label}`);
      let value = this.value();
      // a datum: its length, then its bytes in brackets
      if (typeof value === 'string' && this.peek() === '[') value = this.datum(Number(value));
      node.fields.set(label.slice(1), value);
    }
  }

  private datum(length: number): Uint8Array {
    this.take();
    const bytes: number[] = [];
    while (this.peek() !== ']') bytes.push(Number(this.take()) & 0xff);
    this.take();
    if (bytes.length < length) throw new NodeTreeError(`a datum of ${length} bytes has only ${bytes.length}`);
    return Uint8Array.from(bytes);
  }

  private list(): TreeValue[] {
    const list: TreeValue[] = [];
    // integer, OID and XID lists and bit sets say so by a letter; a name of one letter stands in quotes
    if (/^[iobx]$/.test(this.peek() ?? '')) this.take();
    while (this.peek() !== ')') list.push(this.value());
    this.take();
    return list;
  }
}

/** debackslash(); a String node's value keeps no quotes. */
function unescape(raw: string): string {
  const quoted = raw.length >= 2 && raw.startsWith('"') && raw.endsWith('"') ? raw.slice(1, -1) : raw;
  return quoted.replace(/\\(.)/gs, '$1');
}

export function isNode(value: TreeValue | undefined): value is TreeNode {
  return typeof value === 'object' && value !== null && 'type' in value;
}

/** Every node of a tree, itself included. */
export function* allNodes(value: TreeValue | undefined): Generator<TreeNode> {
  if (Array.isArray(value)) {
    for (const element of value) yield* allNodes(element);
  } else if (isNode(value)) {
    yield value;
    for (const field of value.fields.values()) yield* allNodes(field);
  }
}
