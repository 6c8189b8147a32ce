/** Seeded randomness: the whole of a run's luck comes from one of these, and its state is in the run. */
export class Prng {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** @param seed any 32 bits; equal seeds give equal sequences, in every engine */
  constructor(seed: number) {
    // splitmix32 spreads the seed over the state of sfc32.
    let state = seed | 0;
    const next = () => {
      state = (state + 0x9e3779b9) | 0;
      let t = state ^ (state >>> 16);
      t = Math.imul(t, 0x21f0aaad);
      t ^= t >>> 15;
      t = Math.imul(t, 0x735a2d97);
      return (t ^ (t >>> 15)) | 0;
    };
    [this.#a, this.#b, this.#c, this.#d] = [next(), next(), next(), next()];
  }

  /** 32 random bits. */
  bits(): number {
    const t = (((this.#a + this.#b) | 0) + this.#d) | 0;
    this.#d = (this.#d + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t;
    return t >>> 0;
  }

  /** [0, 1) */
  unit(): number {
    return this.bits() / 0x1_0000_0000;
  }

  /** 0 … below - 1 */
  below(below: number): number {
    return Math.floor(this.unit() * below);
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  /** @throws RangeError for an empty list */
  pick<T>(list: readonly T[]): T {
    if (list.length === 0) throw new RangeError('nothing to pick from');
    return list[this.below(list.length)] as T;
  }

  /** The same in another order. */
  shuffled<T>(list: readonly T[]): T[] {
    const left = [...list];
    return list.map(() => left.splice(this.below(left.length), 1)[0] as T);
  }

  /** A generator of its own, so that one part's draws do not shift another's. */
  fork(): Prng {
    return new Prng(this.bits());
  }

  /** 64 bits as text: enough for one run, and ids are a good part of what a run is made of. */
  id(): string {
    return base36(this.bits()) + base36(this.bits());
  }
}

/** Two digits, 00 … zz. */
const pairs = Array.from({ length: 36 ** 2 }, (_, n) => n.toString(36).padStart(2, '0'));

/** `bits.toString(36)`, for which engines have no quick way; nor for the rest of a division of more than 31 bits. */
function base36(bits: number): string {
  const upper = Math.trunc(bits / 36 ** 2) | 0;
  const high = Math.trunc(upper / 36 ** 2) | 0;
  // Shorter numbers, and they are rare, have other zeros to leave out.
  if (high < 36) return bits.toString(36);
  const rest = `${pairs[upper - high * 36 ** 2]}${pairs[bits - upper * 36 ** 2]}`;
  return high < 36 ** 2 ? pairs[high] + rest : high.toString(36) + rest;
}
