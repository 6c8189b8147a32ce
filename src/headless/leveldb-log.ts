/**
 * Whether a log file of LevelDB is whole. LevelDB itself skips what it cannot read, at the end as in the middle, without a
 * word. Format: blocks of 32 KiB; in them records of 4 bytes of checksum (CRC-32C over type and payload, masked), 2 bytes
 * of length, 1 byte of type (whole, first, middle, last), and the payload.
 */
const blockSize = 1 << 15;
const headerSize = 7;
const [whole, first, middle, last] = [1, 2, 3, 4];

/** `torn`: its last record was never written to the end. `damaged`: something in it that was written is broken. */
export type LogState = 'whole' | 'torn' | 'damaged';

export function stateOfLog(bytes: Buffer): LogState {
  let at = 0;
  let isOpen = false;
  while (at < bytes.length) {
    const left = blockSize - (at % blockSize);
    if (left < headerSize) {
      at += left;
      continue;
    }
    const size = recordAt(bytes, at);
    if (size === undefined) return stateFrom(bytes, at);
    const type = bytes[at + 6];
    if (isOpen !== (type === middle || type === last)) return 'damaged';
    isOpen = type === first || type === middle;
    at += size;
  }
  return isOpen ? 'torn' : 'whole';
}

/** @returns its size with its header; undefined if there is none that is whole */
function recordAt(bytes: Buffer, at: number): number | undefined {
  if (at + headerSize > bytes.length) return undefined;
  const length = bytes.readUInt16LE(at + 4);
  const type = bytes[at + 6] as number;
  const end = at + headerSize + length;
  if (type < whole || type > last || end > bytes.length || (at % blockSize) + headerSize + length > blockSize)
    return undefined;
  return isGood(bytes, at, end) ? headerSize + length : undefined;
}

function isGood(bytes: Buffer, at: number, end: number): boolean {
  return bytes.readUInt32LE(at) === masked(crc32c(bytes, at + 6, end));
}

/** What a broken record means: if it is torn, nothing comes after it, and its own end is not there. */
function stateFrom(bytes: Buffer, at: number): LogState {
  // Room that the file system had given, and nothing was written to.
  if (bytes.at(-1) === 0 && bytes.subarray(at + headerSize).every((byte) => byte === 0)) return 'torn';
  for (let other = at + 1; other + headerSize <= bytes.length; other++)
    if (blockSize - (other % blockSize) >= headerSize && recordAt(bytes, other) !== undefined) return 'damaged';
  const length = at + headerSize <= bytes.length ? bytes.readUInt16LE(at + 4) : 0;
  const isCut = at + headerSize > bytes.length || at + headerSize + length > bytes.length;
  // All of it is there, only its length is wrong.
  if (isCut && at + headerSize <= bytes.length && isGood(bytes, at, bytes.length)) return 'damaged';
  return isCut || bytes.at(-1) === 0 ? 'torn' : 'damaged';
}

const table = Uint32Array.from({ length: 256 }, (_, n) => {
  let sum = n;
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ 0x82f63b78 : sum >>> 1;
  return sum;
});

function crc32c(bytes: Buffer, from: number, end: number): number {
  let sum = 0xffffffff;
  for (let i = from; i < end; i++) sum = (table[(sum ^ (bytes[i] as number)) & 0xff] as number) ^ (sum >>> 8);
  return ~sum >>> 0;
}

function masked(sum: number): number {
  return (((sum >>> 15) | (sum << 17)) + 0xa282ead8) >>> 0;
}
