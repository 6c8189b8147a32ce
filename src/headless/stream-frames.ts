/** What a TCP stream of XMPP consists of (RFC 6120 §4.2), as text still to be parsed. */
export type Frame =
  /** The opening tag of the stream, as received. */
  | { readonly kind: 'header'; readonly text: string }
  /** One whole child of the stream. */
  | { readonly kind: 'element'; readonly text: string }
  /** A child of the stream that cannot be read: its place in the stream is known, and perhaps its open tag (`head`). */
  | { readonly kind: 'unreadable'; readonly why: string }
  | { readonly kind: 'end' };

/** The stream is no XML: where the next element begins cannot be known. */
export class FramingError extends Error {
  override readonly name = 'FramingError';
}

/** Far beyond what any stanza may have: the parser refuses those, this keeps the names from filling the memory. */
const depthMax = 100_000;
/** The same for the length of one name, in bytes. */
const nameMax = 4096;
/** A stanza's open tag that is longer names no addresses that anybody could answer. */
const headMax = 64 * 1024;

const lt = 0x3c;
const gt = 0x3e;
const slash = 0x2f;

type Where =
  /** Between tags. */
  | 'text'
  /** After `<`. */
  | 'tag'
  /** In an attribute's value. */
  | 'value'
  | 'comment'
  | 'cdata'
  | 'instruction';

const closers = { comment: '-->', cdata: ']]>', instruction: '?>' } as const;

/**
 * Cuts a TCP stream into its elements, so that each can be parsed by itself with the strict parser of server/parser.ts.
 *
 * A parser that reads the whole stream must stop at the first thing it dislikes, and the stream with it. Cut first, one
 * bad stanza (too deep, a prefix bound nowhere, a forbidden character, broken UTF-8, too long) costs itself alone. Only
 * what makes the borders themselves uncertain (a closing tag that closes another element, a doctype) ends the stream.
 *
 * Works on bytes: all markup of XML is ASCII, and a chunk may end within a character.
 */
export class StreamFrames {
  readonly #max: number;
  #where: Where = 'text';
  #quote = 0;
  /** Names of the open elements, the stream's own first. */
  readonly #open: string[] = [];
  /** Bytes of the frame so far; of a frame that is too long, the tag at hand alone. */
  #kept: Buffer = Buffer.alloc(0);
  /** Where in #kept to go on, and where the tag at hand begins. */
  #at = 0;
  #tag = 0;
  /** Bytes of the frame that were let go because it is too long. */
  #dropped = 0;
  /** The open tag of the frame's element. */
  #head: Buffer | undefined;
  /** Of the tag at hand only the begin and the end are left. */
  #isCut = false;

  /** @param maxBytes  of one element; longer ones are skipped */
  constructor(maxBytes: number) {
    this.#max = maxBytes;
  }

  /** The open tag of the element that came last: of one that cannot be read, it says whose it was. */
  get head(): string | undefined {
    return this.#head && decode(this.#head);
  }

  /** @throws FramingError */
  *push(chunk: Uint8Array): Generator<Frame> {
    this.#kept = this.#kept.length === 0 ? Buffer.from(chunk) : Buffer.concat([this.#kept, chunk]);
    for (;;) {
      const frame = this.#next();
      if (frame === undefined) break;
      if (frame !== 'more') yield frame;
    }
    if (this.#kept.length > this.#max) this.#shorten();
  }

  /** One step; undefined: the bytes do not suffice. */
  #next(): Frame | 'more' | undefined {
    const bytes = this.#kept;
    switch (this.#where) {
      case 'text': {
        const begin = bytes.indexOf(lt, this.#at);
        this.#at = begin < 0 ? bytes.length : begin;
        // Between the stream's children stands nothing but keepalives.
        if (this.#open.length <= 1) this.#forget();
        if (begin < 0) return undefined;
        return this.#beginTag();
      }
      case 'tag':
        return this.#inTag();
      case 'value': {
        const end = bytes.indexOf(this.#quote, this.#at);
        this.#at = end < 0 ? bytes.length : end + 1;
        if (end < 0) return undefined;
        this.#where = 'tag';
        return 'more';
      }
      default: {
        const closer = closers[this.#where];
        const end = bytes.indexOf(closer, this.#at);
        if (end < 0) {
          // The closer itself may be cut in two.
          this.#at = Math.max(this.#at, bytes.length - closer.length + 1);
          return undefined;
        }
        this.#at = end + closer.length;
        this.#where = 'text';
        return 'more';
      }
    }
  }

  #beginTag(): 'more' | undefined {
    const bytes = this.#kept;
    const next = bytes[this.#at + 1];
    if (next === undefined) return undefined;
    this.#tag = this.#at;
    if (next === 0x3f) {
      this.#at += 2;
      this.#where = 'instruction';
    } else if (next === 0x21) {
      if (startsWith(bytes, this.#at, '<!--')) {
        this.#at += 4;
        this.#where = 'comment';
      } else if (startsWith(bytes, this.#at, '<![CDATA[')) {
        this.#at += 9;
        this.#where = 'cdata';
      } else if (bytes.length - this.#at < 9) return undefined;
      else throw new FramingError('a doctype, or no XML at all');
    } else {
      this.#at++;
      this.#where = 'tag';
      this.#isCut = false;
    }
    return 'more';
  }

  #inTag(): Frame | 'more' | undefined {
    const bytes = this.#kept;
    for (let i = this.#at; i < bytes.length; i++) {
      const byte = bytes[i];
      if (byte === 0x22 || byte === 0x27) {
        this.#quote = byte;
        this.#at = i + 1;
        this.#where = 'value';
        return 'more';
      }
      if (byte === lt) throw new FramingError('a tag within a tag');
      if (byte !== gt) continue;
      this.#at = i + 1;
      this.#where = 'text';
      return this.#endTag(bytes.subarray(this.#tag, i + 1));
    }
    this.#at = bytes.length;
    return undefined;
  }

  #endTag(tag: Buffer): Frame | 'more' {
    const closing = tag[1] === slash;
    const name = nameIn(tag, closing ? 2 : 1);
    const empty = !closing && tag[tag.length - 2] === slash;
    if (closing) {
      const opened = this.#open.pop();
      if (opened !== name) throw new FramingError(`</${name}> closes ${opened === undefined ? 'nothing' : opened}`);
      if (this.#open.length === 0) return { kind: 'end' };
    } else if (this.#open.length === 0) {
      if (empty) throw new FramingError('an empty stream');
      this.#open.push(name);
      const text = decode(tag);
      this.#forget();
      if (text === undefined) throw new FramingError('the stream header is not UTF-8');
      return { kind: 'header', text };
    } else {
      if (this.#open.length === 1) this.#head = this.#isCut || tag.length > headMax ? undefined : tag;
      if (!empty) {
        if (this.#open.length >= depthMax) throw new FramingError('elements without end');
        this.#open.push(name);
      }
    }
    return this.#open.length === 1 ? this.#element() : 'more';
  }

  #element(): Frame {
    const length = this.#dropped + this.#at;
    const text = length > this.#max ? undefined : decode(this.#kept.subarray(0, this.#at));
    this.#dropped = 0;
    this.#forget();
    if (length > this.#max) return { kind: 'unreadable', why: `${length} bytes long` };
    return text === undefined ? { kind: 'unreadable', why: 'not UTF-8' } : { kind: 'element', text };
  }

  /** Lets go of what was read. */
  #forget(): void {
    this.#kept = this.#kept.subarray(this.#at);
    this.#at = 0;
    this.#tag = 0;
  }

  /** Too long: the tag at hand is still needed for its name and its end, the rest is skipped without being kept. */
  #shorten(): void {
    const inTag = this.#where === 'tag' || this.#where === 'value';
    if (this.#open.length === 0) throw new FramingError('a stream header without end');
    // The stanza's own open tag stays readable, if it is short enough: then it is not among what is let go.
    if (this.#head !== undefined) this.#head = Buffer.from(this.#head);
    const from = inTag ? this.#tag : this.#at;
    this.#dropped += from;
    this.#kept = Buffer.from(this.#kept.subarray(from));
    this.#at -= from;
    this.#tag = 0;
    if (!inTag || this.#kept.length <= this.#max) return;
    // Only its begin, with the name, and its end count; a byte before the end says whether the element is empty.
    const name = nameIn(this.#kept, this.#kept[1] === slash ? 2 : 1);
    if (name.length >= nameMax) throw new FramingError('a name without end');
    const begin = Math.min(nameMax + 2, this.#at - 1);
    const cut = this.#at - 1 - begin;
    if (cut <= 0) return;
    this.#isCut = true;
    this.#dropped += cut;
    this.#kept = Buffer.concat([this.#kept.subarray(0, begin), this.#kept.subarray(this.#at - 1)]);
    this.#at = begin + 1;
  }
}

function startsWith(bytes: Buffer, at: number, text: string): boolean {
  return bytes.toString('latin1', at, at + text.length) === text;
}

/** A tag's name: up to a space, a slash or the end. */
function nameIn(tag: Buffer, from: number): string {
  let end = from;
  for (; end < tag.length; end++) {
    const byte = tag[end] as number;
    if (byte <= 0x20 || byte === slash || byte === gt) break;
  }
  return tag.toString('latin1', from, end);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function decode(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
