import type { StatusRecord, StepRecord } from '../core/node/trace.ts';

/**
 * Reads what a node reports about itself: a JSON array of StepRecords and StatusRecords about one of `own`.
 * The shape is checked as far as a reader needs it; what is displayed is the reporter's word either way.
 *
 * @returns undefined if anything in it is not as it should be
 */
export function readReport(json: string, own: (node: string) => boolean): (StepRecord | StatusRecord)[] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value)) return undefined;
  return value.every((item): item is StepRecord | StatusRecord => isReportRecord(item) && own(item.node))
    ? value
    : undefined;
}

function isReportRecord(item: unknown): item is StepRecord | StatusRecord {
  if (!isObject(item) || typeof item['t'] !== 'number' || typeof item['node'] !== 'string') return false;
  if (item['kind'] === 'status')
    return isMark(item['changes']) && isNames(item['goneRooms']) && isStatus(item['status']);
  return (
    item['kind'] === 'step' &&
    typeof item['stream'] === 'string' &&
    typeof item['appended'] === 'number' &&
    (item['rx'] === undefined || typeof item['rx'] === 'number') &&
    (item['input'] === undefined || typeof item['input'] === 'string') &&
    isListOf(item['tx'], (tx) => typeof tx['n'] === 'number' && typeof tx['spec'] === 'string') &&
    isListOf(item['notes'], (note) => typeof note['spec'] === 'string' && typeof note['what'] === 'string')
  );
}

function isStatus(status: unknown): boolean {
  return (
    isObject(status) &&
    typeof status['address'] === 'string' &&
    typeof status['server'] === 'string' &&
    isListOf(
      status['rooms'],
      (room) =>
        typeof room['room'] === 'string' &&
        isMark(room['changes']) &&
        isNames(room['goneOccupants']) &&
        isNames(room['gonePeers']) &&
        typeof room['role'] === 'string' &&
        typeof room['historyLength'] === 'number' &&
        isListOf(room['occupants'], (occupant) => typeof occupant['nick'] === 'string') &&
        isListOf(room['peers'], (peer) => typeof peer['peer'] === 'string' && typeof peer['state'] === 'string'),
    )
  );
}

function isMark(value: unknown): boolean {
  return value === undefined || value === true;
}

function isNames(value: unknown): boolean {
  return value === undefined || (Array.isArray(value) && value.every((name) => typeof name === 'string'));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isListOf(value: unknown, is: (item: Record<string, unknown>) => boolean): boolean {
  return Array.isArray(value) && value.every((item) => isObject(item) && is(item));
}
