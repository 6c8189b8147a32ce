import { cast, eventually, expect, test, vesa, wallops } from './support/netsplit.ts';

test.describe('When the server stops', () => {
  test.use({ serverOptions: { own: true } });

  test('the server goes: the page says so, and goes on when it is back', async ({ room, server, troubles }) => {
    test.slow();
    // A browser reports each socket and each file that it does not get.
    troubles.allow(/WebSocket connection to|Failed to load resource|net::ERR/);
    await room.open();
    await room.say(cast.Wumpus, 'kept');
    await server.stop();
    await expect(room.testId('trouble')).toContainText(/lost|closed|no server answers/, { timeout: 45_000 });
    // Wumpus has a connection of his own, which may end a moment later.
    await eventually(() => room.act({ act: 'say', who: cast.Wumpus, text: 'into nothing' }), 45_000).toMatchObject({
      ok: false,
    });
    await server.start();
    // Its accounts are new ones: the page asks for them.
    await expect(room.testId('trouble')).toHaveCount(0, { timeout: 45_000 });
    await room.ready();
    const since = await room.mark();
    await room.say(cast.Wumpus, 'again');
    await eventually(() => room.heard(cast.BigCheese, since)).toContain('again');
    await eventually(() => room.historyLengths()).toEqual([2, 2, 2, 2]);
  });
});

test.describe('When something is wrong', () => {
  test('loaded while there is no server: the page says how to start it', async ({ room, troubles }) => {
    troubles.allow(/Failed to load resource|net::ERR/);
    await room.page.route('**/netsplit.json*', (route) => route.abort());
    await room.page.goto(room.address());
    await expect(room.testId('fatal')).toContainText('The server does not answer');
    await expect(room.testId('fatal')).toContainText('npm start');
    await expect(room.phase).toHaveAttribute('data-phase', 'failed');
  });

  test('hostile text is text, wherever it is shown', async ({ room }) => {
    const { page } = room;
    const dialogs: string[] = [];
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    await page.addInitScript(() => {
      Object.assign(window, { policyReports: [] as string[] });
      document.addEventListener('securitypolicyviolation', (event) =>
        (window as unknown as { policyReports: string[] }).policyReports.push(event.violatedDirective),
      );
    });
    await room.open();
    const nick = '<b onclick=alert(3)>Bo';
    const body = '<img src=x onerror=alert(1)>"\'&amp;]]><script>alert(2)</script>';
    const subject = '<svg onload=alert(4)>';
    await room.do({ act: 'nick', who: cast.Efchen, nick });
    await room.say(cast.Efchen, body);
    await room.do({ act: 'subject', who: cast.Wumpus, text: subject });

    await room.testId('tab-transcripts').click();
    const column = page.locator(`[data-transcript="${cast.WiZ}"]`);
    await expect(column.locator('li.message')).toContainText(body);
    await expect(column.locator('li.message b')).toHaveText(nick);
    await expect(column.locator('li.subject')).toContainText(subject);
    await expect(room.occupant(cast.Efchen)).toHaveAttribute('data-nick', nick);
    await expect(room.occupant(cast.Efchen)).toHaveAccessibleName(new RegExp(nick.replaceAll(/[()]/g, '\\$&')));
    await room.testId('tab-counters').click();
    await expect(room.testId('counters-messages')).toContainText('<img src=x onerror=alert(1)>');
    await room.testId('tab-outline').click();
    await expect(page.locator(`[data-outline-occupant="${cast.Efchen}"]`)).toContainText(nick);
    await room.node(`replica@${vesa}`).focus();
    await page.keyboard.press('Enter');
    await page.keyboard.press('Escape');
    await expect(room.testId('inspector')).toContainText(subject);
    await room.testId('tab-log').click();
    await room.testId('log-filter').fill('onerror in');
    await room.testId('log').locator('.row[data-kind=message]').first().click();
    await expect(room.testId('inspector-title')).toContainText('<img src=x onerror=alert(1)>');

    const made = await page.evaluate(() => ({
      elements: document.querySelectorAll('img, body script, [onerror], [onload], [onclick]').length,
      reports: (window as unknown as { policyReports: string[] }).policyReports,
    }));
    expect(made).toEqual({ elements: 0, reports: [] });
    expect(dialogs).toEqual([]);
    // What was sent is what was said.
    await eventually(async () => (await room.received(cast.WiZ)).at(-1)?.stanza?.from).toBe(`${wallops}/Wumpus`);
  });

  test('the policy of the page lets no script in that is not its own', async ({ room, troubles }) => {
    troubles.allow(/Content Security Policy|TrustedScript/);
    await room.page.goto(room.address());
    const ran = await room.page.evaluate(() => {
      const script = document.createElement('script');
      try {
        script.textContent = 'window.injected = true';
      } catch {
        // Refused even before it is in the document.
      }
      document.body.append(script);
      return 'injected' in window;
    });
    expect(ran).toBe(false);
  });
});
