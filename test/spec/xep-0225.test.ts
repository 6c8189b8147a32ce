import { describe, expect, it } from 'vitest';
import { hostBindingFeature, readHostBinding, writeHostBinding } from '../../src/core/xep/xep0225.ts';
import { el, serialize } from '../../src/core/xmpp/xml.ts';

const ns = 'urn:xmpp:component:0';

describe('XEP-0225 §4 Hostname Binding', () => {
  it('Stream Feature: a server says whether a hostname must be bound', () => {
    expect(serialize(hostBindingFeature(true))).toBe(`<bind xmlns="${ns}"><required/></bind>`);
    expect(serialize(hostBindingFeature(false))).toBe(`<bind xmlns="${ns}"/>`);
    expect(readHostBinding(hostBindingFeature(true))).toEqual({ action: 'bind', hostname: undefined });
  });

  it.each(['bind', 'unbind'] as const)('Requests: what is written to %s is read', (action) => {
    const binding = { action, hostname: 'chat.example.com' };
    expect(serialize(writeHostBinding(binding))).toBe(
      `<${action} xmlns="${ns}"><hostname>chat.example.com</hostname></${action}>`,
    );
    expect(readHostBinding(writeHostBinding(binding))).toEqual(binding);
  });

  it('is no other element of the namespace, and no bind of another', () => {
    expect(readHostBinding(el('handshake', ns))).toBeUndefined();
    expect(readHostBinding(el('bind', 'urn:ietf:params:xml:ns:xmpp-bind'))).toBeUndefined();
  });
});
