import { describe, expect, it } from 'vitest';
import { Model } from '../../../src/ui/fold/model.ts';
import { type PictureOptions, spaceTimeSvg } from '../../../src/ui/spacetime/svg-text.ts';
import { readAll, recordsOf, simulated, small, talk, written } from '../../support/traces.ts';

function fold(text: string): Model {
  const trace = readAll(text);
  const model = new Model(trace.scenario, true);
  model.fold(recordsOf(trace));
  return model;
}

const options: PictureOptions = {
  title: 'A run',
  when: (t) => `${t % 100_000} ms`,
  collapsed: new Set(),
  hidden: new Set(),
};
const count = (text: string, what: RegExp) => text.match(what)?.length ?? 0;

/** Every element is closed, in its order, and nothing but elements, text and the five entities is there. */
function isWellFormed(text: string): boolean {
  const open: string[] = [];
  for (const [, close, name, empty] of text.matchAll(/<(\/?)([a-z]+)(?:\s[a-z0-9:-]+="[^"<]*")*\s*(\/?)>/gi)) {
    if (close) {
      if (open.pop() !== name) return false;
    } else if (!empty) open.push(String(name));
  }
  const rest = text
    .replace(/<(\/?)([a-z]+)(?:\s[a-z0-9:-]+="[^"<]*")*\s*(\/?)>/gi, '')
    .replace(/&(amp|lt|gt|quot);/g, '');
  return open.length === 0 && !/[<>&]/.test(rest);
}

describe('The space-time diagram as a file', () => {
  it('stands alone: a title, every participant, every arrow, a cross for every loss', () => {
    const model = fold(simulated(3, '0289pp', 30));
    const svg = spaceTimeSvg(model, options);
    expect(isWellFormed(svg)).toBe(true);
    expect(svg).toMatch(/^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg" width="\d+" height="\d+"/);
    expect(svg).not.toMatch(/ class=| style=| href=|url\(|var\(/);
    expect(svg).toContain('<title>A run</title>');
    for (const { domain } of model.scenario.servers) expect(svg).toContain(`<title>${domain}</title>`);
    for (const { address } of model.scenario.nodes) expect(svg).toContain(`<title>${address}</title>`);
    for (const { jid } of model.scenario.occupants) expect(svg).toContain(`<title>${jid.split('/')[0]}</title>`);
    const { list } = model.events;
    const deliveries = list.filter(({ leg }) => leg === 'out').length;
    const losses = list.filter(({ outcome }) => outcome !== undefined).length;
    expect(count(svg, /<polygon /g)).toBe(deliveries);
    expect(count(svg, /(lost on the link|bounced at the cut link)<\/title>/g)).toBe(losses);
    expect(svg).toContain(`Space-time diagram: ${deliveries + losses} stanzas,`);
  });

  it('of more stanzas than it has room for it shows the last ones, and says so', () => {
    const svg = spaceTimeSvg(fold(talk(30)), { ...options, most: 20 });
    expect(svg).toContain('the last 20 of 120 stanzas');
    expect(count(svg, /<polygon /g)).toBe(20);
    expect(svg).toContain('Message 29');
    expect(svg).not.toContain('“Message 3”');
  });

  it('what strangers wrote is text in it', () => {
    const trace = small();
    const hop = trace.lines[3] as { stanza: object };
    const body = '&lt;/text>&lt;script>alert(1)&lt;/script>&amp;\u0001';
    trace.lines[3] = { ...hop, stanza: { ...hop.stanza, xml: `<message><body>${body}</body></message>` } };
    const svg = spaceTimeSvg(fold(written(trace)), { ...options, title: '<b>"&' });
    expect(isWellFormed(svg)).toBe(true);
    expect(svg).not.toContain('<script');
    expect(svg).toContain('&lt;script&gt;alert(1)');
    expect(svg).not.toContain('\u0001');
  });
});
