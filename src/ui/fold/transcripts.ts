import type { TracedStanza } from '../../core/node/trace.ts';
import { type Jid, resourceOf } from '../../core/xmpp/jid.ts';
import { childrenOf } from '../trace/peek.ts';
import type { ModelEvent } from './event.ts';
import { errorText } from './summary.ts';

export interface TranscriptLine {
  readonly id: number;
  readonly t: number;
  /** `mark`: somebody is shown as cut off or provisional, or no longer. */
  readonly kind: 'message' | 'subject' | 'private' | 'error' | 'mark';
  readonly nick: string;
  readonly text: string;
  /** XEP-0203 stamp: the line is history. */
  readonly delayed?: string;
}

const lineWindow = 400;

/** The chat as each user sees it: what they were handed, line by line. */
export class Transcripts {
  /** By full JID, oldest first. */
  readonly lines = new Map<string, TranscriptLine[]>();

  write(who: string, line: TranscriptLine): void {
    const lines = this.lines.get(who);
    if (!lines) this.lines.set(who, [line]);
    else {
      lines.push(line);
      if (lines.length > lineWindow) lines.splice(0, lineWindow / 4);
    }
  }

  /** A message that a user was handed, if it has anything to read. */
  message({ id, t, to, text }: ModelEvent, stanza: TracedStanza): void {
    const children = childrenOf(stanza);
    const body = children.find((child) => child.name === 'body')?.text;
    const subject = children.find((child) => child.name === 'subject')?.text;
    const kind = kindOf(stanza.type, body);
    if (body === undefined && !subject && kind !== 'error') return;
    const delayed = children.find((child) => child.name === 'delay')?.attrs.stamp;
    this.write(to, {
      id,
      t,
      kind,
      nick: resourceOf(stanza.from as Jid) || (kind === 'error' ? 'the room' : stanza.from),
      text: (kind === 'error' ? errorText(stanza) : undefined) ?? body ?? subject ?? text,
      ...(delayed ? { delayed } : {}),
    });
  }
}

function kindOf(type: string | undefined, body: string | undefined): TranscriptLine['kind'] {
  if (type === 'error') return 'error';
  if (body === undefined) return 'subject';
  return type === 'groupchat' ? 'message' : 'private';
}
