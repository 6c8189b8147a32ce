import type { NodeProgress, OccupantProgress } from '../session/progress.ts';
import { type Fields, present } from './fields.ts';

const nodePhases = [
  'waiting',
  'restoring',
  'connecting',
  'logged-in',
  'bound',
  'ready',
  'reconnecting',
  'down',
  'restarting',
  'elsewhere',
  'gone',
  'failed',
] as const satisfies readonly NodeProgress['phase'][];
const occupantPhases = [
  'offline',
  'connecting',
  'online',
  'joining',
  'joined',
  'failed',
  'elsewhere',
] as const satisfies readonly OccupantProgress['phase'][];
const unansweredMax = 1_000;

/** How far a node was. @throws TraceError */
export function readNodeProgress(fields: Fields): NodeProgress {
  return {
    node: fields.address('node'),
    phase: fields.oneOf('phase', nodePhases),
    detail: fields.words('detail'),
    ...present({
      lost: fields.maybe('lost', (name) => (fields.flag(name) ? (true as const) : undefined)),
      notKept: fields.maybe('notKept', (name) => fields.oneOf(name, ['denied', 'full'] as const)),
    }),
  };
}

/** How far one of the page's own people was. @throws TraceError */
export function readOccupantProgress(fields: Fields): OccupantProgress {
  return {
    who: fields.address('who'),
    phase: fields.oneOf('phase', occupantPhases),
    nick: fields.address('nick'),
    room: fields.address('room'),
    detail: fields.words('detail'),
    ...present({
      offer: fields.maybe('offer', (name) => fields.address(name)),
      unanswered: fields.maybe('unanswered', (name) => fields.addresses(name, unansweredMax)),
    }),
  };
}
