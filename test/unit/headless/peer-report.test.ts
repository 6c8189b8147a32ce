import { describe, expect, it } from 'vitest';
import type { NodeStatus, StatusRecord, StepRecord } from '../../../src/core/node/trace.ts';
import { instant } from '../../../src/core/xmpp/time.ts';
import { peerReport } from '../../../src/headless/peer-report.ts';

const room = 'wallops@channel.avalon.irc';
type Note = StepRecord['notes'][number];

const step = (...notes: Note[]): StepRecord => ({
  kind: 'step',
  t: instant(0),
  node: 'replica@vesa.irc',
  stream: 's',
  tx: [],
  appended: 0,
  notes,
});
const status = (state: string, role = 'replica', peer = room): StatusRecord =>
  ({
    kind: 'status',
    t: instant(0),
    node: 'replica@vesa.irc',
    status: { rooms: [{ room, role, peers: [{ peer, state }] }] } as unknown as NodeStatus,
  }) as StatusRecord;

describe('What a node without a page prints of its peers', () => {
  const printed = (...batches: (StepRecord | StatusRecord)[][]) => {
    const lines: string[] = [];
    const report = peerReport((line) => lines.push(line));
    for (const batch of batches) report(batch);
    return lines;
  };

  it('says each state once', () => {
    expect(printed([status('syncing')], [status('live'), status('live')])).toEqual([`${room}: replica live`]);
  });

  it.each(['bounce', 'silence', 'gap', 'unanswered'] as const)(
    'gives the reason of a split by its sign, whatever its words: %s',
    (sign) => {
      const split = { spec: '0282#4.11.1', what: 'xyz', room, peer: room, sign };
      const talk = { spec: '0282#4.9', what: 'split, refused and missed are words that anybody may say', room };
      expect(printed([status('live')], [step(split, talk), status('split')])).toEqual([
        `${room}: replica live`,
        `${room}: replica split (xyz)`,
      ]);
    },
  );

  it('says which shadow of a source it is, and why it is not there yet (XEP-0281)', () => {
    const shadow = 'wallops@rooms.vesa.irc';
    const of = (state: string) => status(state, 'source', shadow);
    expect(printed([of('joining')], [of('split')], [of('live')])).toEqual([`${room}: shadow ${shadow} live`]);
    const refused = step({ spec: '0281#3.2', what: 'xyz', room, peer: shadow, sign: 'refused' });
    expect(printed([of('joining')], [refused, of('joining')], [of('joining')], [of('live')], [of('split')])).toEqual([
      `${room}: shadow ${shadow} joining (xyz)`,
      `${room}: shadow ${shadow} live`,
      `${room}: shadow ${shadow} split (xyz)`,
    ]);
    expect(printed([status('live', 'shadow', shadow)])).toEqual([`${room}: instance ${shadow} live`]);
  });
});
