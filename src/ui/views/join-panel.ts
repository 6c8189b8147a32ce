import { html, nothing, type TemplateResult } from 'lit';
import { Part } from './base.ts';
import { icon } from './icons.ts';

/** What a person types into their own client to join the room. */
export class JoinPanel extends Part {
  #copied = '';
  #chosen = 0;

  open(): void {
    this.querySelector('dialog')?.showModal();
  }

  protected override render(): TemplateResult {
    const accounts = this.store.session.joinInfo;
    const account = accounts[this.#chosen];
    return html`<dialog data-testid="join-panel" aria-labelledby="join-title">
      <div class="dialog-body">
        <h2 id="join-title">Join with your own client</h2>
        <p>Any XMPP client that speaks WebSocket (RFC 7395) can log in with one of these accounts and join the room. You appear in the picture like everyone else.</p>
        ${accounts.length === 0 ? html`<p class="empty">This session offers no account. Start the page with its own server (npm start) to get one.</p>` : nothing}
        ${
          account
            ? html`<label>Account
                <select data-testid="join-account" autofocus @change=${this.#onAccount}>
                  ${accounts.map(({ jid }, i) => html`<option value=${i} .selected=${i === this.#chosen}>${jid}</option>`)}
                </select>
              </label>
              <table class="account">
                <tbody>
                  ${(
                    [
                      ['WebSocket', account.websocket],
                      ['Address (JID)', account.jid],
                      ['Password', account.password],
                      ['Room', account.room],
                    ] as const
                  ).map(([label, value]) => this.#line(label, value))}
                </tbody>
              </table>`
            : nothing
        }
        <form method="dialog"><button class="primary">Close</button></form>
      </div>
    </dialog>`;
  }

  #line(label: string, value: string): TemplateResult {
    const done = this.#copied === value;
    return html`<tr>
      <th scope="row">${label}</th>
      <td><code data-testid=${`join-${label.split(' ')[0]?.toLowerCase()}`}>${value}</code></td>
      <td><button type="button" aria-label=${`Copy ${label}`} @click=${() => this.#copy(value)}>${icon(done ? 'check' : 'copy')} ${done ? 'Copied' : 'Copy'}</button></td>
    </tr>`;
  }

  readonly #onAccount = (event: Event): void => {
    this.#chosen = Number((event.target as HTMLSelectElement).value);
    this.requestUpdate();
  };

  #copy(value: string): void {
    navigator.clipboard.writeText(value).then(
      () => {
        this.#copied = value;
        this.requestUpdate();
      },
      () => this.store.toast('The browser did not allow copying. Select the text and copy it by hand.'),
    );
  }
}

customElements.define('ns-join', JoinPanel);
