import type { Model } from '../fold/model.ts';
import { shortName } from '../words.ts';
import type { BarShape } from './shapes.ts';
import type { Arrow, Sheet } from './sheet.ts';

type When = (t: number) => string;

/** An arrow for those who hear it: "message “Hello” from BigCheese to vesa.yeggmaex.irc, 12.050 s, took 20 ms". */
export function arrowInWords(model: Model, sheet: Sheet, arrow: Arrow, when: When): string {
  const [first] = arrow.hops;
  const last = arrow.hops.at(-1);
  if (!first || !last) return '';
  const isError = last.stanza?.type === 'error';
  const what = first.stanza?.name === 'message' && !isError ? `message ${first.text}` : (isError ? last : first).text;
  const way = `from ${shortName(model, first.from)} to ${shortName(model, arrow.toward ?? last.to)}`;
  return `${what} ${way}, ${when(first.t)}, ${fateInWords(arrow, sheet)}`;
}

function fateInWords({ fate, start, end }: Arrow, { rows }: Sheet): string {
  if (fate === 'lost') return 'lost on the link';
  if (fate === 'bounced') return 'bounced at the cut link';
  if (fate === 'open' || end === undefined) return 'under way';
  const ms = (rows[end]?.t ?? 0) - (rows[start]?.t ?? 0);
  const took = ms === 0 ? 'at once' : `took ${ms} ms`;
  return fate === 'taken' ? `answered by the server, ${took}` : took;
}

/** "cut from killrc.oulubox.irc"; "down"; "split". */
export function barLabel({ span, far }: BarShape): string {
  return far === undefined ? span.kind : `cut from ${far}`;
}

export function barInWords(model: Model, { span, column }: BarShape, when: When): string {
  const { kind, at, how, from, to } = span;
  const time = to === undefined ? `since ${when(from)}` : `from ${when(from)} to ${when(to)}`;
  if (kind === 'cut') {
    const what = how === 'silent' ? 'stanzas vanish silently' : 'stanzas bounce';
    return `Link ${at.join(' – ')} cut, ${what}, ${time}`;
  }
  return `${shortName(model, column.id)} ${kind}, ${time}`;
}
