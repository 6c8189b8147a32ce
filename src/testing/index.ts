// What `netsplit/testing` is: README.md beside this file.
export { expect } from '@playwright/test';
export type { MessageCost } from '../ui/fold/costs.ts';
export type { ModelEvent } from '../ui/fold/event.ts';
export type { EventFilter, From, Lab, LabCounters, LabState } from '../ui/lab-api.ts';
export type { Action, ActionOf, ActName } from '../ui/session/acts.ts';
export type { ActResult } from '../ui/session/session.ts';
export { type NetsplitFixtures, type NetsplitOptions, type NetsplitWorkerFixtures, test } from './fixtures.ts';
export { keyOf, type OpenOptions, RoomPage, type Said } from './room.ts';
export { Server, type ServerOptions } from './server.ts';
export type { Wanted } from './wanted.ts';
