/** Why a trace is refused, in one sentence; if a line is wrong, it names the line. */
export class TraceError extends Error {
  /** What to do about it. */
  readonly advice: string;

  constructor(why: string, advice = 'A trace is what “npm run sim -- --seed N --mode M --json” writes.') {
    super(why);
    this.advice = advice;
  }
}

/** The longest address of RFC 7622 §3.1: three parts of 1023 bytes. */
const addressMax = 3_071;
/** Characters of what a node or the plan of a run says in words. */
const wordsMax = 10_000;

/**
 * One JSON object of a file that may hold anything. Each method gives a value of the type that it names, or throws a
 * TraceError that says where which field is wrong; fields that nobody asks for are ignored.
 */
export class Fields {
  readonly #of: Readonly<Record<string, unknown>>;
  readonly #line: number;
  readonly #path: string;

  /** @param path  what messages put before the name of a field */
  constructor(of: unknown, line: number, path = '') {
    this.#line = line;
    this.#path = path;
    if (typeof of !== 'object' || of === null || Array.isArray(of))
      throw new TraceError(`Line ${line}: ${path === '' ? 'it' : `“${path.replace(/\.$/, '')}”`} is not an object.`);
    this.#of = of as Readonly<Record<string, unknown>>;
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#of, name);
  }

  /** @throws always */
  refuse(name: string, what: string): never {
    const field = this.#path + name;
    throw new TraceError(
      this.has(name) ? `Line ${this.#line}: “${field}” ${what}.` : `Line ${this.#line}: “${field}” is missing.`,
    );
  }

  text(name: string, max: number): string {
    const value = this.#get(name);
    if (typeof value !== 'string') return this.refuse(name, 'is not text');
    if (value.length > max) return this.refuse(name, `has ${value.length} characters, more than ${max}`);
    return value;
  }

  address(name: string): string {
    return this.text(name, addressMax);
  }

  words(name: string): string {
    return this.text(name, wordsMax);
  }

  /** A whole number from 0 or from `min`. */
  count(name: string, min = 0): number {
    const value = this.#get(name);
    if (!Number.isSafeInteger(value)) return this.refuse(name, 'is not a whole number');
    if ((value as number) < min) return this.refuse(name, `is less than ${min}`);
    return value as number;
  }

  /** The id of an event that no server saw: a whole number below 0. */
  ownId(name: string): number {
    const value = this.#get(name);
    return Number.isSafeInteger(value) && (value as number) < 0
      ? (value as number)
      : this.refuse(name, 'is not a whole number below 0');
  }

  /** A number from 0 to 1, such as a probability. */
  portion(name: string): number {
    const value = this.#get(name);
    return typeof value === 'number' && value >= 0 && value <= 1 ? value : this.refuse(name, 'is not between 0 and 1');
  }

  /** Milliseconds since 1970, within what a Date can hold. */
  instant(name: string): number {
    const value = this.#get(name);
    if (typeof value !== 'number' || Number.isNaN(new Date(value).getTime())) return this.refuse(name, 'is not a time');
    return value;
  }

  flag(name: string): boolean {
    const value = this.#get(name);
    return typeof value === 'boolean' ? value : this.refuse(name, 'is neither true nor false');
  }

  oneOf<T extends string>(name: string, values: readonly T[]): T {
    const value = this.#get(name);
    if (!values.includes(value as T)) return this.refuse(name, `is not one of ${values.join(', ')}`);
    return value as T;
  }

  object(name: string): Fields {
    if (!this.has(name)) return this.refuse(name, '');
    return new Fields(this.#get(name), this.#line, `${this.#path}${name}.`);
  }

  /** @param max  more are refused */
  list(name: string, max: number): readonly unknown[] {
    const value = this.#get(name);
    if (!Array.isArray(value)) return this.refuse(name, 'is not a list');
    if (value.length > max) return this.refuse(name, `has ${value.length} entries, more than ${max}`);
    return value;
  }

  isText(name: string): boolean {
    return typeof this.#get(name) === 'string';
  }

  isList(name: string): boolean {
    return Array.isArray(this.#get(name));
  }

  objects(name: string, max: number): readonly Fields[] {
    return this.list(name, max).map((one, i) => new Fields(one, this.#line, `${this.#path}${name}[${i}].`));
  }

  addresses(name: string, max: number): readonly string[] {
    return this.list(name, max).map((one) =>
      typeof one === 'string' && one.length <= addressMax
        ? one
        : this.refuse(name, 'holds something that is not an address'),
    );
  }

  /** What `read` reads, if the field is there. */
  maybe<T>(name: string, read: (name: string) => T): T | undefined {
    return this.has(name) ? read(name) : undefined;
  }

  #get(name: string): unknown {
    return this.has(name) ? this.#of[name] : undefined;
  }
}

/** The object without the fields that have no value. */
export function present<T extends object>(all: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as never;
}
