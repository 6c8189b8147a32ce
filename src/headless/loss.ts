import { StoreError } from '../host/event-store.ts';

/** Exit status of a command that needs a decision: something of its store is lost (EX_DATAERR of sysexits.h). */
const lossStatus = 65;

/** What a command that could not start exits with, and says. */
export function whyNotStarted(error: Error): [status: number, message: string] {
  if (!(error instanceof StoreError) || error.code !== 'lost') return [1, error.message];
  return [
    lossStatus,
    `${error.message}. Nothing was changed. With --accept-loss it starts without what is lost, and keeps all of it aside`,
  ];
}
