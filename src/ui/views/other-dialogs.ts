import { html, type TemplateResult } from 'lit';
import type { OccupantView } from '../fold/people.ts';
import type { Store } from '../store.ts';
import { actingDevice } from '../words.ts';

/** What the protocol takes is longer. */
const textMax = 1000;

/** What somebody says to one other occupant alone (XEP-0045 §7.5). */
export function whisperDialog(store: Store, who: OccupantView | undefined): TemplateResult {
  const whisper = (event: SubmitEvent) => {
    const { to, text } = valuesOf(event);
    if (who && to && text) void store.act({ act: 'pm', who: actingDevice(who), to, text });
  };
  return html`<dialog data-testid="whisper-dialog" aria-labelledby="whisper-title">
    <form method="dialog" @submit=${whisper}>
      <h2 id="whisper-title">${who?.nick ?? ''} whispers</h2>
      <p class="note">A private message in the room, XEP-0045 §7.5. Nobody but the one who is chosen gets it.</p>
      <label>To ${others(store, who, 'to')}</label>
      <label>Message <input name="text" required maxlength=${textMax} autocomplete="off" /></label>
      ${buttons('whisper-apply', 'Whisper')}
    </form>
  </dialog>`;
}

/** Whom somebody puts out of the room (XEP-0045 §8.2). */
export function kickDialog(store: Store, who: OccupantView | undefined): TemplateResult {
  const kick = (event: SubmitEvent) => {
    const { nick, reason } = valuesOf(event);
    if (who && nick) void store.act({ act: 'kick', who: actingDevice(who), nick, ...(reason ? { reason } : {}) });
  };
  return html`<dialog data-testid="kick-dialog" aria-labelledby="kick-title">
    <form method="dialog" @submit=${kick}>
      <h2 id="kick-title">${who?.nick ?? ''} kicks somebody</h2>
      <p class="note">XEP-0045 §8.2. Somebody who was kicked can enter again. The room lets only moderators kick.</p>
      <label>Whom ${others(store, who, 'nick')}</label>
      <label>Reason, if any <input name="reason" maxlength=${textMax} autocomplete="off" /></label>
      ${buttons('kick-apply', 'Kick')}
    </form>
  </dialog>`;
}

function others(store: Store, who: OccupantView | undefined, name: string): TemplateResult {
  const nicks = who ? store.model.people.othersWith(who) : [];
  return html`<select name=${name}>${nicks.map((nick) => html`<option value=${nick}>${nick}</option>`)}</select>`;
}

function buttons(testid: string, label: string): TemplateResult {
  return html`<p class="buttons">
    <button type="button" @click=${(event: Event) => (event.target as Element).closest('dialog')?.close()}>Cancel</button>
    <button class="primary" data-testid=${testid}>${label}</button>
  </p>`;
}

/** What is in the form, which is empty the next time. */
function valuesOf(event: SubmitEvent): Readonly<Record<string, string>> {
  const form = event.target as HTMLFormElement;
  const values = Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, String(value).trim()]));
  form.reset();
  return values;
}
