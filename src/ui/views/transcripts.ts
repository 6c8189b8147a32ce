import { html, nothing, type TemplateResult } from 'lit';
import type { OccupantView } from '../fold/people.ts';
import type { TranscriptLine } from '../fold/transcripts.ts';
import { deviceName, markOf, shortNode } from '../words.ts';
import { Part } from './base.ts';

/** The chat as each person sees it on each device, side by side; the history that they were sent when they entered is marked. */
class Transcripts extends Part {
  protected override render(): TemplateResult {
    const { model } = this.store;
    const people = model.people
      .all()
      .flatMap((who) => who.devices.map((device) => ({ who, device })))
      .filter(({ device }) => device.phase === 'joined' || model.transcripts.lines.has(device.jid));
    if (people.length === 0) {
      const how = this.store.session.recording
        ? 'Step forward to see people enter.'
        : 'Select someone in the bar above and press Join.';
      return html`<p class="empty">Nobody is in a room yet. ${how}</p>`;
    }
    return html`<div class="columns" data-testid="transcripts" tabindex="0" role="group" aria-label="Transcripts, one for each device of each person">
      ${people.map(({ who, device }) => this.#column(who, device.jid, model.transcripts.lines.get(device.jid) ?? []))}
    </div>`;
  }

  #column(who: OccupantView, jid: string, lines: readonly TranscriptLine[]): TemplateResult {
    const mark = markOf(who);
    const device = who.devices.length > 1 ? deviceName(jid) : undefined;
    return html`<section class="column" data-transcript=${jid} aria-label=${`What ${who.nick} sees${device ? ` on ${device}` : ''}`}>
      <h3>${who.nick} <small>${device ? html`on <b>${device}</b> ` : nothing}${who.node ? `at ${shortNode(who.node)}` : who.server}${mark ? html` <b class="tone-warn">${mark.badge}</b>` : nothing}</small></h3>
      <ol>
        ${lines.length === 0 ? html`<li class="note">Nothing has been said yet. What is said in the room appears here.</li>` : nothing}
        ${lines.slice(-60).map(
          (line) => html`<li
            class=${`${line.kind} ${line.delayed ? 'delayed' : ''} ${this.store.family.has(line.id) ? 'family' : ''}`}
            data-event=${line.id}
          ><button type="button" @click=${() => this.store.select(line.id)}>
            <time>${this.store.when(line.t, false)}</time>${line.delayed ? html`<em title=${`History: sent ${line.delayed}`}>history</em>` : nothing}${
              line.kind === 'mark'
                ? html`<i data-mark>${line.nick}: ${line.text}</i>`
                : line.kind === 'subject'
                  ? html`<i>Subject: ${line.text}</i>`
                  : html`<b>${line.nick}</b>${line.kind === 'private' ? html`<em>private</em>` : nothing}${line.kind === 'error' ? html`<em class="lost">refused</em>` : nothing} <span>${line.text}</span>`
            }</button></li>`,
        )}
      </ol>
    </section>`;
  }

  protected override updated(): void {
    for (const list of this.querySelectorAll('ol')) list.scrollTop = list.scrollHeight;
  }
}

customElements.define('ns-transcripts', Transcripts);
