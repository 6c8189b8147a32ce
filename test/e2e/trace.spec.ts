import AxeBuilder from '@axe-core/playwright';
import type { Locator, Page } from '@playwright/test';
import { simulated, small, type Written, written } from '../support/traces.ts';
import { eventually, expect, type RoomPage, test } from './support/netsplit.ts';

const run = simulated(3, '0282');
const lines = run
  .trimEnd()
  .split('\n')
  .slice(1)
  .map((line) => JSON.parse(line));
const events = lines.filter(({ kind }) => kind !== 'status');
/** Who is in a room at the end, as the nodes said last. */
const inside = new Set<string>(
  [...new Map(lines.flatMap((line) => (line.kind === 'status' ? [[line.node, line.status]] : []))).values()].flatMap(
    ({ rooms }) =>
      rooms.flatMap(({ occupants }: { occupants: { jid?: string }[] }) => occupants.flatMap(({ jid }) => jid ?? [])),
  ),
);

/** Answers at an address of the page's own origin. */
async function serve(page: Page, text: string): Promise<void> {
  await page.route(
    ({ pathname }) => pathname === '/run.ndjson',
    (route) => route.fulfill({ body: text, contentType: 'application/x-ndjson' }),
  );
}

async function open(room: RoomPage, text: string): Promise<void> {
  await serve(room.page, text);
  await room.page.goto('/?trace=/run.ndjson');
  await expect(room.phase).toHaveAttribute('data-phase', 'paused');
}

async function choose(page: Page, text: string, name = 'run.ndjson'): Promise<void> {
  const chooser = page.waitForEvent('filechooser');
  await page.getByTestId('open-trace').click();
  await (await chooser).setFiles({ name, mimeType: 'application/x-ndjson', buffer: Buffer.from(text) });
}

/** Where there is nothing to show. */
async function withNothing({ page, phase, address }: { page: Page; phase: Locator; address: string }): Promise<void> {
  await page.goto(address);
  await expect(phase).toHaveAttribute('data-phase', 'failed');
}

/** The first place has no event, so the numbers of the places are those of the events. */
const placeOf = (seq: number) => events.findIndex((event) => event.seq === seq) + 1;
const joined = (page: Page): Locator => page.locator('[data-occupant][data-phase=joined]');

test.describe('The trace of a run', () => {
  test('by its address: shown at its end as the nodes left it; stepped, scrubbed, chosen from, played', {
    tag: '@long',
  }, async ({ room }) => {
    const { page, phase } = room;
    const sockets: string[] = [];
    page.on('websocket', (socket) => sockets.push(socket.url()));
    await open(room, run);
    await expect(room.testId('mode-badge')).toHaveText('Recording');
    await expect(room.testId('run')).toHaveText('seed 3, mode 0282');
    const transport = room.testId('transport');
    const end = String(events.length);
    await expect(transport).toHaveAttribute('data-length', end);
    await expect(transport).toHaveAttribute('data-at', end);
    await expect(joined(page)).toHaveCount(inside.size);
    // A user with several devices is one disc, which goes by the device that came first.
    for (const jid of inside)
      await expect(page.locator(`[data-occupant^="${jid.split('/')[0]}/"][data-phase=joined]`)).not.toHaveCount(0);
    for (const kind of ['iq', 'append']) await room.testId(`log-kind-${kind}`).click();
    const log = room.testId('log');
    // A line for each first cause and for each change of state, and the names of the columns.
    const alone = ({ kind }: { kind: string }) => !['hop', 'act', 'append'].includes(kind);
    const rowsAt = (place: number) =>
      String(1 + events.slice(0, place).filter((event) => alone(event) || event.cause === undefined).length);
    await expect(log).toHaveAttribute('aria-rowcount', rowsAt(events.length));
    await expect(room.testId('log-count')).toContainText(`${end} events`);

    // Step: the keys and the buttons, and the event that is reached is the chosen one.
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    const third = events[events.length - 3];
    await expect(transport).toHaveAttribute('data-at', String(events.length - 2));
    await expect(log.locator('[aria-current=true]')).toHaveAttribute('data-event', String(third.seq));
    await expect(phase).toHaveAttribute('data-sim-time', String(third.t - lines[0].t));
    await expect(page).toHaveURL(new RegExp(`#ev=${third.seq}$`));
    await room.testId('transport-forward').click();
    await expect(transport).toHaveAttribute('data-at', String(events.length - 1));
    await expect(log.locator('[aria-current=true]')).toBeInViewport();
    await room.testId('transport-first').click();
    await expect(log).toHaveAttribute('aria-rowcount', rowsAt(0));
    await expect(joined(page)).toHaveCount(0);

    // Scrub to a message on a link: why, and what led to it.
    const message = events.find(({ leg, stanza, cause }) => leg === 'link' && stanza.type === 'groupchat' && cause);
    const place = placeOf(message.seq);
    await room.testId('transport-scrubber').fill(String(place));
    await expect(transport).toHaveAttribute('data-at', String(place));
    await expect(room.testId('log-count')).toContainText(`${place} events`);
    await expect(room.testId('inspector-title')).toHaveAttribute('data-event', String(message.seq));
    // Its line is open, and no other one is.
    await expect(log.locator('[aria-expanded=true]')).toHaveCount(1);
    await page.keyboard.press('Escape');
    await expect(log).toHaveAttribute('aria-rowcount', rowsAt(place));
    await page.evaluate((event) => window.lab.seek({ event }), message.seq);
    await expect(room.testId('why')).toHaveAttribute('data-spec', /^\d{4}#/);
    const cause = room.testId('causes').locator('[data-event]').last();
    await expect(cause).toHaveAttribute('data-event', String(message.cause));
    await cause.click();
    await expect(transport).toHaveAttribute('data-at', String(place));
    await room.testId('inspector-reveal').click();
    await expect(transport).toHaveAttribute('data-at', String(placeOf(message.cause)));

    // Nothing can be done to it.
    for (const control of ['speak-bar', 'say-text', 'join-own', 'pause', 'startup'])
      await expect(room.testId(control)).toHaveCount(0);
    await room.node('rooms.s0.sim').click();
    await expect(room.testId('inspector-fixed')).toContainText('over');
    await expect(room.testId('menu')).toBeHidden();
    expect(await room.act({ act: 'crash', node: 'rooms.s0.sim' })).toMatchObject({ ok: false });

    // Play: it moves, and stops by itself.
    await page.evaluate((seq) => window.lab.seek({ event: seq }), events.at(-8).seq);
    await page.locator('body').press(' ');
    await expect(phase).toHaveAttribute('data-phase', 'playing');
    await expect(phase).toHaveAttribute('data-phase', 'paused');
    await expect(transport).toHaveAttribute('data-at', end);
    expect((await room.events()).length).toBe(events.length);
    expect(sockets).toEqual([]);
    await page.goto(`/?trace=/run.ndjson#ev=${message.seq}`);
    await page.reload();
    await expect(room.testId('transport')).toHaveAttribute('data-at', String(place));
  });

  test('from a file, in the place of a live room: at the first violation, and what is not known is said', {
    tag: '@long',
  }, async ({ room }) => {
    const { page } = room;
    await room.open('plain');
    const [header = '', ...rest] = run.trimEnd().split('\n');
    const seen = events.filter(({ leg }) => leg === 'out').slice(20, 22);
    const violations = [
      { invariant: 'G3', what: '<img src=x onerror=alert(1)> came twice', seq: seen[0].seq },
      { invariant: 'G1', what: 'so did this', seq: seen[1].seq },
      { invariant: 'G12', what: 'traffic does not stop' },
    ];
    const omen = JSON.stringify({ seq: rest.length + 1, kind: 'omen', t: lines.at(-1).t });
    await choose(page, [JSON.stringify({ ...JSON.parse(header), violations }), ...rest, omen].join('\n'));
    await expect(room.testId('mode-badge')).toHaveText('Recording');
    // The plain rooms that a recording is compared with have a worker of their own.
    const live = () => page.workers().filter((worker) => !worker.url().includes('plain'));
    await eventually(async () => live().length).toBe(0);
    const list = room.testId('violations').locator('button');
    await expect(list).toHaveText([/^G3 <img src=x onerror/, /^G1/, /^G12.*at the end$/]);
    await expect(page.locator('img')).toHaveCount(0);
    const transport = room.testId('transport');
    for (const [i, place] of [placeOf(seen[0].seq), placeOf(seen[1].seq), events.length].entries()) {
      if (i > 0) await list.nth(i).click();
      await expect(transport).toHaveAttribute('data-at', String(place));
      await expect(list.nth(i)).toHaveAttribute('aria-current', 'true');
    }
    await list.first().click();
    // Where it is shown, and though the list takes its room from the log.
    await expect(room.testId('log').locator('[aria-current=true]')).toBeInViewport({ ratio: 1 });
    await expect(room.testId('inspector-title')).toHaveAttribute('data-event', String(seen[0].seq));
    await expect(room.testId('transport-skipped')).toContainText('1 line “omen”');

    for (const theme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' });
      const { violations: found } = await new AxeBuilder({ page }).setLegacyMode().analyze();
      expect(found.filter(({ impact }) => impact === 'serious' || impact === 'critical')).toEqual([]);
    }
    await page.setViewportSize({ width: 360, height: 740 });
    for (const region of ['panel', 'inspector', 'topology']) {
      await room.testId(`region-${region}`).click();
      for (const control of ['first', 'back', 'play', 'forward', 'last', 'scrubber'])
        await expect(room.testId(`transport-${control}`)).toBeInViewport({ ratio: 1 });
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
    }
  });

  test('a file that is none, or a hostile one: refused with a sentence, and the next one opens', {
    tag: '@long',
  }, async ({ room, troubles }) => {
    const { page } = room;
    troubles.allow(/Failed to load resource|404/);
    await withNothing({ page, phase: room.phase, address: room.address('atlantis') });
    const fatal = room.testId('fatal').getByRole('alert');
    const stanza = (xml: string) => {
      const trace: Written = small();
      const hop = trace.lines[3] as { stanza: object };
      trace.lines[3] = { ...hop, stanza: { ...hop.stanza, xml } };
      return written(trace);
    };
    for (const [name, text, why] of [
      ['page.ndjson', '<!doctype html>', 'page.ndjson cannot be opened. It is not a trace: line 1 is not JSON.'],
      [
        'future.ndjson',
        run.replace('"version":1', '"version":2'),
        'It is a trace of version 2, which is newer than this page: it reads version 1.',
      ],
      ['large.ndjson', stanza(`<message>${'x'.repeat(10_000_000)}`), 'Line 5: it has more than 2,000,000 characters.'],
      ['entities.ndjson', stanza('<message/><!DOCTYPE m [<!ENTITY a "a">]>'), 'Line 5: “stanza.xml” has a declaration'],
      ['torn.ndjson', run.slice(0, 20_000), 'The file was cut off: it ends in the middle of line '],
    ] as const) {
      await choose(page, text, name);
      await expect(fatal).toContainText(why);
    }
    // Text that would run as markup, and nesting that no parser follows, are shown as the text that they are.
    for (const xml of [
      `<message>${'<a>'.repeat(60_000)}`,
      `<message><body>hi</body>${'<x y="'.repeat(20_000)}</message>`,
      '<message><body>&lt;img src=x onerror=alert(1)></body><script>alert(2)</script></message>',
    ]) {
      // The page says anew how it is once it shows the next one.
      await page.evaluate(() => delete document.documentElement.dataset['phase']);
      await choose(page, stanza(xml));
      await expect(room.phase).toHaveAttribute('data-phase', 'paused');
      await page.evaluate(() => window.lab.seek({ event: 4 }));
      await expect(room.testId('inspector-title')).toHaveAttribute('data-event', '4');
      await expect(page.locator('img, body script, [onerror]')).toHaveCount(0);
    }
    // What is refused leaves what is shown.
    await choose(page, 'Hello', 'hello.txt');
    await expect(room.testId('toast')).toContainText(
      'hello.txt cannot be opened. It is not a trace: line 1 is not JSON.',
    );
    await expect(room.testId('transport')).toHaveAttribute('data-length', '10');

    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    // Servers of static files answer with the page where there is no file.
    await page.route('**/fallback.ndjson', (route) =>
      route.fulfill({ body: '<!doctype html>', contentType: 'text/html' }),
    );
    for (const [address, why] of [
      ['http://elsewhere.example/run.ndjson', 'It is on another origin, http://elsewhere.example'],
      ['javascript:alert(1)', 'It is on another origin'],
      ['/nowhere.ndjson', 'There is no trace at /nowhere.ndjson.'],
      ['/fallback.ndjson', 'There is no trace at /fallback.ndjson.'],
    ] as const) {
      await page.goto(`/?trace=${encodeURIComponent(address)}`);
      await expect(fatal).toContainText(why);
    }
    expect(asked.filter((url) => new URL(url).host !== new URL(page.url()).host)).toEqual([]);
  });
});
