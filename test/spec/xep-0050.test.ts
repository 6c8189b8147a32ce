import { describe, expect, it } from 'vitest';
import { readForm } from '../../src/core/xep/xep0004.ts';
import { readCommand, writeCommand, writeCommandAnswer } from '../../src/core/xep/xep0050.ts';
import { el, serialize } from '../../src/core/xmpp/xml.ts';

const ns = 'http://jabber.org/protocol/commands';

describe('XEP-0050 §2.4 Executing Commands', () => {
  it('Simple Execution: a request that is written is read', () => {
    const request = { node: 'list', action: 'execute' };
    expect(serialize(writeCommand(request))).toBe(`<command xmlns="${ns}" node="list" action="execute"/>`);
    expect(readCommand(writeCommand(request))).toEqual({ ...request, sessionid: undefined, form: undefined });
  });

  it('§3.4: a request that names no action executes', () => {
    expect(readCommand(el('command', ns, { node: 'list' }))).toMatchObject({ action: 'execute' });
  });

  it('Multiple Stages: the form that comes back is part of the request', () => {
    const form = { type: 'submit', fields: [{ var: 'service', values: ['httpd'] }] } as const;
    const request = { node: 'config', sessionid: 'config:20020923T213616Z-700', action: 'complete', form };
    expect(readCommand(writeCommand(request))).toEqual(request);
  });

  it('Multiple Stages: the first action that is allowed next is the default one', () => {
    const form = { type: 'form', title: 'Configure Service', fields: [] } as const;
    const answer = writeCommandAnswer({ node: 'config', sessionid: 's', status: 'executing', actions: ['next'], form });
    expect(serialize(answer)).toBe(
      `<command xmlns="${ns}" node="config" sessionid="s" status="executing"><actions execute="next"><next/></actions>` +
        '<x xmlns="jabber:x:data" type="form"><title>Configure Service</title></x></command>',
    );
    expect(readForm(answer)?.type).toBe('form');
  });

  it('§4.3: what was done stands in a note', () => {
    expect(serialize(writeCommandAnswer({ node: 'list', sessionid: 's', status: 'completed', note: 'paused' }))).toBe(
      `<command xmlns="${ns}" node="list" sessionid="s" status="completed"><note type="info">paused</note></command>`,
    );
  });

  it('is no other element, and not a command without a node', () => {
    expect(readCommand(el('actions', ns, { node: 'list' }))).toBeUndefined();
    expect(readCommand(el('command', ns))).toBeUndefined();
  });
});
