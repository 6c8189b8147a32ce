import type { ModelEvent } from '../fold/event.ts';
import type { Model } from '../fold/model.ts';

/**
 * A sequence diagram in the language of Mermaid: an arrow for each stanza that somebody was handed, and one with a cross for each that a
 * link lost. A participant is a node, a session of a person, or a server that speaks for itself.
 */
export function mermaidOf(model: Model): string {
  const names = new Map<string, string>();
  const nameOf = (address: string) => {
    const node = model.network.nodeOf(address)?.address ?? address;
    const name = names.get(node) ?? `p${names.size + 1}`;
    names.set(node, name);
    return name;
  };
  const arrows = model.events.list.flatMap((event) => {
    const text = escaped(event.text);
    if (event.leg === 'out') return [`  ${nameOf(senderOf(event, model))}->>${nameOf(event.to)}: ${text}`];
    if (event.leg !== 'link' || !event.outcome) return [];
    const what = event.outcome === 'bounced' ? 'bounces' : 'lost';
    return [`  ${nameOf(senderOf(event, model))}-x${nameOf(event.stanza?.to || event.to)}: ${text} (${what})`];
  });
  const participants = [...names].map(([address, name]) => `  participant ${name} as ${escaped(address)}`);
  return `${['sequenceDiagram', ...participants, ...arrows].join('\n')}\n`;
}

/** Who handed a stanza to their server; the server itself where it is the author. */
function senderOf(event: ModelEvent, { events }: Model): string {
  let at = event;
  while (at.leg !== 'in' && at.spec === undefined) {
    const before = events.get(at.cause ?? Number.NaN);
    if (before?.leg === undefined || before.leg === 'out') break;
    at = before;
  }
  return at.from;
}

/**
 * Nothing in it has a meaning in the language: other characters than a few are written as their numbers, and of the word that ends a block
 * one letter is.
 */
function escaped(text: string): string {
  return text
    .replace(/[^\p{L}\p{N} .,@/_-]/gu, (character) => `#${character.codePointAt(0)};`)
    .replace(/--|\bend\b/gi, (word) => `#${word.codePointAt(0)};${word.slice(1)}`);
}
