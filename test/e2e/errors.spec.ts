import type { LiveConfig } from '../../src/scenario/live-config-type.ts';
import { cast, eventually, expect, test, vesa, wallops } from './support/netsplit.ts';
import { StropheClient } from './support/strophe.ts';

const replica = `replica@${vesa}`;

test.describe('When something is wrong', () => {
  test.use({ serverOptions: { own: true } });

  test('the server goes: the page says so, and goes on when it is back', { tag: '@long' }, async ({
    room,
    server,
    troubles,
  }) => {
    test.slow();
    // A browser reports each socket and each file that it does not get.
    troubles.allow(/WebSocket connection to|Failed to load resource|net::ERR/);
    await room.open();
    await room.say(cast.Wumpus, 'kept');
    await server.stop();
    await expect(room.testId('trouble')).toContainText(/lost|closed|no server answers/i, { timeout: 45_000 });
    await expect(room.testId('trouble')).toContainText('goes on by itself');
    await expect(room.phase).toHaveAttribute('data-phase', 'offline');
    await expect(room.testId('mode-badge')).toHaveText('Offline');
    // Wumpus has a connection of his own, which may end a moment later.
    await eventually(() => room.act({ act: 'say', who: cast.Wumpus, text: 'into nothing' }), 45_000).toMatchObject({
      ok: false,
    });
    await expect(room.phase).toHaveAttribute('data-phase', 'offline');
    // A button asks at once. That the page asks by itself as well, it may as soon as the server is there.
    await room.testId('reconnect').click();
    await server.start();
    // Its accounts are new ones: the page asks for them.
    await expect(room.testId('trouble')).toHaveCount(0, { timeout: 45_000 });
    await room.ready();
    await expect(room.testId('mode-badge')).toHaveText('Live');
    const since = await room.mark();
    await room.say(cast.Wumpus, 'again');
    await eventually(() => room.heard(cast.BigCheese, since)).toContain('again');
    await eventually(() => room.historyLengths()).toEqual([2, 2, 2, 2]);
  });

  test('loaded while there is no server: the page says how to start it, and begins when it is there', {
    tag: '@long',
  }, async ({ room, troubles }) => {
    troubles.allow(/Failed to load resource|net::ERR/);
    await room.page.route('**/netsplit.json*', (route) => route.abort());
    await room.page.goto(room.address());
    await expect(room.testId('fatal')).toContainText('The server does not answer');
    await expect(room.testId('fatal')).toContainText('npm start');
    await expect(room.phase).toHaveAttribute('data-phase', 'offline');
    await room.testId('try-again').click();
    await expect(room.testId('fatal')).toContainText('The server does not answer');
    await room.page.unroute('**/netsplit.json*');
    await room.ready();
    await expect(room.testId('fatal')).toHaveCount(0);
  });

  test('what another server is in the place of the one that was: no such scenario, or another version of the page', {
    tag: '@long',
  }, async ({ room, server, troubles }) => {
    test.slow();
    troubles.allow(/WebSocket connection to|Failed to load resource|net::ERR/);
    const { page } = room;
    await room.open();
    // Its pages are others, so this one's script is not there any more: the page is loaded again.
    await page.evaluate(() => Object.assign(window, { isBefore: true }));
    await page.route('**/assets/index-*.js', async (route) => {
      if (route.request().method() === 'HEAD') await route.fulfill({ status: 404, contentType: 'text/html' });
      else await route.continue();
    });
    await server.stop();
    await expect(room.phase).toHaveAttribute('data-phase', 'offline', { timeout: 45_000 });
    await server.start();
    await page.waitForFunction(() => !('isBefore' in window), undefined, { timeout: 45_000 });
    await page.unroute('**/assets/index-*.js');
    await room.ready();

    const unknown = { status: 404, json: { error: 'there is no scenario wallops; there are: atlantis' } };
    await page.route('**/netsplit.json*', (route) => route.fulfill(unknown));
    await server.stop();
    await server.start();
    await expect(room.testId('fatal')).toContainText('there are: atlantis', { timeout: 45_000 });
    await expect(room.phase).toHaveAttribute('data-phase', 'failed');
    await expect(room.testId('fatal').getByRole('button', { name: 'Load the page again' })).toBeVisible();
  });

  test('the operator closes every connection of the page: it goes on by itself', { tag: '@long' }, async ({
    room,
    browser,
    baseURL,
    troubles,
  }) => {
    test.slow();
    troubles.allow(/WebSocket/);
    await room.open();
    await room.page.evaluate(() => {
      const phases: (string | undefined)[] = [];
      const { documentElement } = document;
      new MutationObserver(() => phases.push(documentElement.dataset.phase)).observe(documentElement, {
        attributeFilter: ['data-phase'],
      });
      Object.assign(window, { phases });
    });
    const asked = await fetch(new URL(`/netsplit.json${room.address().slice(1)}`, baseURL));
    const { credentials, websocket } = (await asked.json()) as LiveConfig;
    const { operator } = credentials;
    if (operator === undefined) throw new Error('no operator');
    const login = {
      ...operator,
      websocket: new URL(websocket, baseURL).href.replace(/^http/, 'ws'),
      room: wallops,
    };
    const client = await StropheClient.connect(browser, login);
    const closes = (address: string) =>
      client.ask(
        address.slice(address.indexOf('@') + 1),
        `<command xmlns="http://jabber.org/protocol/commands" node="urn:x-netsplit:operator#disconnect" action="execute"><x xmlns="jabber:x:data" type="submit"><field var="jid"><value>${address}</value></field></x></command>`,
      );
    const phases = () => room.page.evaluate(() => (window as unknown as { phases: string[] }).phases);
    // That of the page itself ends with all others of the account, the client's among them.
    await Promise.race([closes(operator.jid), eventually(phases).toContain('offline')]);
    await eventually(phases).toContain('offline');
    await room.ready();
    await expect(room.testId('trouble')).toHaveCount(0);
    await client.vanish();
    const since = await room.mark();
    // The lease went with the operator's connections: with the next one everybody logs in anew.
    await eventually(() => room.act({ act: 'say', who: cast.Wumpus, text: 'still here' })).toEqual({ ok: true });
    await eventually(() => room.heard(cast.BigCheese, since)).toEqual(['still here']);
  });

  test('a page that is frozen and thawed shows what happened meanwhile', { tag: '@long' }, async ({
    room,
    context,
    elsewhere,
    troubles,
  }) => {
    test.slow();
    troubles.allow(/WebSocket/);
    await room.open();
    const session = await context.newCDPSession(room.page);
    const since = await room.mark();
    await elsewhere.open();
    await session.send('Page.setWebLifecycleState', { state: 'frozen' });
    const guest = `guest1@${vesa}`;
    await elsewhere.do({ act: 'join', who: guest });
    await elsewhere.say(guest, 'while you slept');
    await session.send('Page.setWebLifecycleState', { state: 'active' });
    await room.ready();
    await eventually(() => room.heard(cast.BigCheese, since)).toContain('while you slept');
    await expect(room.testId('mode-badge')).toHaveText('Live');
  });

  test('a node that cannot start: the page says why, and offers to start it again', { tag: '@long' }, async ({
    room,
    baseURL,
    troubles,
  }) => {
    test.slow();
    troubles.allow(/favicon/);
    const { page } = room;
    await page.goto(new URL('/netsplit.json', baseURL).href);
    // As a later version of the page leaves it.
    await page.evaluate(
      (name) =>
        new Promise<void>((resolve) => {
          const request = indexedDB.open(name, 99);
          request.onsuccess = () => {
            request.result.close();
            resolve();
          };
        }),
      `netsplit:wallops:${replica}`,
    );
    await page.goto('/');
    await expect(room.phase).toHaveAttribute('data-phase', 'failed', { timeout: 45_000 });
    await expect(room.testId('mode-badge')).toHaveText('Failed');
    const banner = page.locator(`[data-failed-node="${replica}"]`);
    await expect(banner).toContainText('a later version of Netsplit has written it');
    await page.evaluate(
      (name) => new Promise((resolve) => (indexedDB.deleteDatabase(name).onsuccess = resolve)),
      `netsplit:wallops:${replica}`,
    );
    await banner.getByTestId('start-again').click();
    await room.ready();
    await expect(banner).toHaveCount(0);
    await expect(room.node(replica)).toHaveAttribute('data-state', 'live');
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
