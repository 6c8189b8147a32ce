/** Why something that waits for an echo does not happen, as the user who asked for it is told. Primary-replica mode. */
import { type Refusal, refusal } from '../../room/refusal.ts';

export const unwelcome = refusal('auth', 'forbidden', 'decision#156', 'the primary of this room does not let you in');
export const crowded = refusal(
  'wait',
  'resource-constraint',
  'decision#152',
  'too much waits for the primary of this room',
);
export const late = refusal(
  'wait',
  'remote-server-timeout',
  'decision#152',
  'no answer from the primary of this room: whether this reached it is not known',
);
export const lost = refusal(
  'wait',
  'remote-server-timeout',
  'decision#154',
  'the room is cut off from its primary: whether this reached it is not known',
);

/** Nothing can happen now that waits for an echo. @param why  if anything is known */
export function cutOff(why = 'the room is cut off from its primary'): Refusal {
  return refusal('wait', 'remote-server-timeout', 'decision#154', why);
}
