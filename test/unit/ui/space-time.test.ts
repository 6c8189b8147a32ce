import { it } from 'vitest';
import { Model } from '../../../src/ui/fold/model.ts';
import { readFileSync } from 'node:fs';
import { readAll } from '../../support/traces.ts';
import { Sheet } from '../../../src/ui/spacetime/sheet.ts';
it('x', () => {
  for (const f of ['/tmp/st-a.ndjson','/tmp/st-b.ndjson']) {
  const trace = readAll(readFileSync(f,'utf8'));
  const model = new Model(trace.scenario, true);
  model.fold(trace.lines.map(({record}) => record));
  for (const hidden of [[],['iq']]) {
  const sheet = new Sheet(model.network, {collapsed: new Set(), hidden: new Set(hidden)});
  const t=performance.now();
  sheet.take(model.events.list);
  console.log(performance.now()-t, sheet.rows.length, sheet.arrows.length, sheet.height, ["open","got","taken","lost","bounced"].map(f=>f+sheet.arrows.filter(a=>a.fate===f).length).join(), sheet.arrows.filter(a=>a.end!==undefined&&a.end<=a.start).length, Math.max(...sheet.arrows.map(a=>(a.end??0)-a.start)));
  console.log(model.spans.list.length, JSON.stringify(model.spans.list.slice(0,6)));
  }}
});
