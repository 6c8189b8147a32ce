// Letters of other scripts that look like Latin ones (a selection of Unicode's UTS-39 confusables; the whole table is
// larger than the rest of the core), and pairs that look like one letter.
const lookAlikes: Readonly<Record<string, string>> = {
  а: 'a',
  в: 'b',
  е: 'e',
  к: 'k',
  м: 'm',
  н: 'h',
  о: 'o',
  р: 'p',
  с: 'c',
  т: 't',
  у: 'y',
  х: 'x',
  і: 'i',
  ј: 'j',
  ѕ: 's',
  ԁ: 'd',
  ԛ: 'q',
  ԝ: 'w',
  һ: 'h',
  ӏ: 'l',
  α: 'a',
  β: 'b',
  ε: 'e',
  ι: 'i',
  κ: 'k',
  ν: 'v',
  ο: 'o',
  ρ: 'p',
  τ: 't',
  υ: 'u',
  χ: 'x',
  ϲ: 'c',
  ϳ: 'j',
  '0': 'o',
  '1': 'l',
  '|': 'l',
  ı: 'i',
};

/**
 * What is left of a nick when everything that the eye forgives is taken away: two nicks with the same skeleton are
 * confusable (XEP-0045 §17.1.1, RFC 8266 §2, the idea of UTS-39).
 */
export function skeleton(nick: string): string {
  // Every change of a roster asks for it, and a room sees the same few nicks all the time.
  let shape = shapes.get(nick);
  if (shape === undefined) {
    shape = shapeOf(nick);
    if (shapes.size >= shapesMax) shapes.clear();
    shapes.set(nick, shape);
  }
  return shape;
}

// A bounded memo of what the pure function returned, as for JIDs.
const shapes = new Map<string, string>();
const shapesMax = 4096;

function shapeOf(nick: string): string {
  // Most nicks are plain: those need no Unicode tables.
  const plain = /^[!-~]*$/.test(nick)
    ? nick.toLowerCase()
    : nick
        .normalize('NFKD')
        .toLowerCase()
        .replace(/\p{M}|\s/gu, '');
  let shape = '';
  for (const letter of plain) shape += lookAlikes[letter] ?? letter;
  return shape.replaceAll('rn', 'm').replaceAll('vv', 'w');
}
