/** Namespaces that only a server speaks; those of stanzas are in core/xmpp/namespaces.ts. */
export const SNS = {
  /** RFC 7395 §3.3.2 */
  framing: 'urn:ietf:params:xml:ns:xmpp-framing',
  /** RFC 6120 §4.8.1; always with the prefix `stream`, which clients look for. */
  stream: 'http://etherx.jabber.org/streams',
  /** RFC 6120 §4.9.2 */
  streamErrors: 'urn:ietf:params:xml:ns:xmpp-streams',
  /** RFC 6120 §6 */
  sasl: 'urn:ietf:params:xml:ns:xmpp-sasl',
  /** RFC 6120 §7 */
  bind: 'urn:ietf:params:xml:ns:xmpp-bind',
  /** RFC 3921 §3, obsolete: some clients still ask for it. */
  session: 'urn:ietf:params:xml:ns:xmpp-session',
  /** RFC 6121 §2 */
  roster: 'jabber:iq:roster',
} as const;
