/** XML namespaces, each named after the specification that defines it. */
export const NS = {
  client: 'jabber:client',
  stanzas: 'urn:ietf:params:xml:ns:xmpp-stanzas',
  xml: 'http://www.w3.org/XML/1998/namespace',
  /** XEP-0030 */
  discoInfo: 'http://jabber.org/protocol/disco#info',
  discoItems: 'http://jabber.org/protocol/disco#items',
  /** XEP-0004 */
  dataForms: 'jabber:x:data',
  /** XEP-0045 */
  muc: 'http://jabber.org/protocol/muc',
  mucUser: 'http://jabber.org/protocol/muc#user',
  mucAdmin: 'http://jabber.org/protocol/muc#admin',
  mucOwner: 'http://jabber.org/protocol/muc#owner',
  /** XEP-0045 §7.4: what is reflected has the id it was sent with. */
  stableId: 'http://jabber.org/protocol/muc#stable_id',
  /** XEP-0307 */
  mucUnique: 'http://jabber.org/protocol/muc#unique',
  /** XEP-0033 */
  address: 'http://jabber.org/protocol/address',
  /** XEP-0199 */
  ping: 'urn:xmpp:ping',
  /** XEP-0203 */
  delay: 'urn:xmpp:delay',
  /** XEP-0225 */
  component: 'urn:xmpp:component:0',
  /** XEP-0282 */
  dmuc2: 'urn:xmpp:tmp:dmuc:0',
  /** XEP-0281 */
  dmuc1: 'urn:xmpp:dmuc:0',
  /** XEP-0289 */
  fmuc: 'http://isode.com/protocol/fmuc',
  /** XEP-0359 */
  sid: 'urn:xmpp:sid:0',
  /** XEP-0410 */
  selfPing: 'http://jabber.org/protocol/muc#self-ping-optimization',
  /** XEP-0421 */
  occupantId: 'urn:xmpp:occupant-id:0',
  /** XEP-0050 */
  commands: 'http://jabber.org/protocol/commands',
  /** Our one extension of the protocols, used where the three protocols stop (decisions.md). */
  ext: 'urn:x-netsplit:sync:0',
  /** Our trace: what nodes report to their server, and what the server tells its observers. */
  trace: 'urn:x-netsplit:trace:0',
  /** What the nodes of our server's commands (XEP-0050) begin with, before `#` and the command's name. */
  operator: 'urn:x-netsplit:operator',
  /** Ours: a class that follows the page of its lecturer. */
  classroom: 'urn:x-netsplit:class:0',
} as const;

/** What only nodes tell each other: users may not say it, and are not told it. */
export const nodeNamespaces = [NS.dmuc1, NS.dmuc2, NS.fmuc, NS.ext] as const;
