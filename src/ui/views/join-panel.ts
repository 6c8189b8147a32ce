import { html, nothing, type TemplateResult } from 'lit';
import { Part } from './base.ts';
import { icon } from './icons.ts';

/** What a person types into a client of their own to be in the room too. */
export class JoinPanel extends Part {
  private copied = '';

  open(): void {
    this.querySelector('dialog')?.showModal();
  }

  protected override render(): TemplateResult {
    const accounts = this.store.session.joinInfo;
    return html`<dialog data-testid="join-panel" aria-labelledby="join-title">
      <div class="dialog-body">
        <h2 id="join-title">Join with your own client</h2>
        <p>Any XMPP client that speaks WebSocket (RFC 7395) can log in with one of these accounts and join the room. You appear in the picture like everyone else.</p>
        ${accounts.length === 0 ? html`<p class="empty">This session offers no account. Start the page with its own server (npm start) to get one.</p>` : nothing}
        ${accounts.map(
          (account, i) => html`<table class="account">
            <caption>On ${account.jid.split('@')[1] ?? account.jid}</caption>
            <tbody>
              ${(
                [
                  ['WebSocket', account.websocket],
                  ['Address (JID)', account.jid],
                  ['Password', account.password],
                  ['Room', account.room],
                ] as const
              ).map(
                ([label, value]) => html`<tr>
                  <th scope="row">${label}</th>
                  <td><code>${value}</code></td>
                  <td><button type="button" aria-label=${`Copy ${label}: ${value}`} @click=${() => this.copy(`${i} ${label}`, value)}>${icon(this.copied === `${i} ${label}` ? 'check' : 'copy')} ${this.copied === `${i} ${label}` ? 'Copied' : 'Copy'}</button></td>
                </tr>`,
              )}
            </tbody>
          </table>`,
        )}
        <form method="dialog"><button class="primary" autofocus>Close</button></form>
      </div>
    </dialog>`;
  }

  private copy(key: string, value: string): void {
    navigator.clipboard.writeText(value).then(
      () => {
        this.copied = key;
        this.requestUpdate();
      },
      () => this.store.toast('The browser did not let the page copy. Select the text and copy it by hand.'),
    );
  }
}

customElements.define('ns-join', JoinPanel);
