import type { Spec } from '../core/turn/spec.ts';
import { decisions } from './decision-titles.ts';

/** What a rule's id stands for: shown under "Why?". The page fetches none of the addresses; that of a decision is beside the page. */
export interface SpecEntry {
  /** E.g. "XEP-0282 §4.9". */
  readonly label: string;
  /** Heading of the section. */
  readonly title: string;
  /** Title of the document. */
  readonly document: string;
  readonly url?: string;
}

/**
 * Looks a rule up, e.g. `0282#4.9`, `6120#8.3`, `decision#12`. A section that is not listed falls back to the nearest
 * section around it, so that "Why?" always names something.
 */
export function specEntry(spec: Spec): SpecEntry {
  const [source = '', section = ''] = spec.split('#');
  if (source === 'decision') {
    const title = own(decisions, section) ?? 'what the XEPs leave open';
    const url = `specification.html#decision-${section}`;
    return { label: `Decision ${section}`, title: `Our choice: ${title}`, document: 'Specification', url };
  }
  const book = own(books, source);
  if (!book) return { label: spec, title: 'Not in the bundled index', document: '' };
  const rfc = Number(source) > 1000;
  let found = section;
  while (found && own(book.sections, found) === undefined) found = found.split('.').slice(0, -1).join('.');
  return {
    label: `${rfc ? 'RFC' : 'XEP'}${rfc ? ' ' : '-'}${source}${section ? ` §${section}` : ''}`,
    title: own(book.sections, found) ?? book.title,
    document: book.title,
    url: rfc ? `https://www.rfc-editor.org/rfc/rfc${source}` : `https://xmpp.org/extensions/xep-${source}.html`,
  };
}

/** What the index has itself: a rule in a file may have any name, such as one that every object has. */
function own<T>(index: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(index, key) ? index[key] : undefined;
}

/** "XEP-0282 4.9", as one says it. */
export function sayable(spec: Spec): string {
  return specEntry(spec).label.replace('§', '');
}

/** Whether the index has exactly this section. */
export function knowsSpec(spec: Spec): boolean {
  const [source = '', section = ''] = spec.split('#');
  return source === 'decision' ? decisions[section] !== undefined : books[source]?.sections[section] !== undefined;
}

const books: Record<string, { readonly title: string; readonly sections: Readonly<Record<string, string>> }> = {
  '0281': {
    title: 'DMUC1: Distributed Multi-User Chat',
    sections: {
      '1': 'Introduction',
      '2': 'Terminology',
      '3': 'Use Cases',
      '4': 'Determining Support',
      '5': 'Security Considerations',
      '6': 'IANA Considerations',
      '7': 'XMPP Registrar Considerations',
      '8': 'Acknowledgements',
      '9': 'XML Schema',
      '1.1': 'Motivation',
      '1.2': 'Requirements',
      '1.3': 'Approach',
      '2.1': 'General Terms',
      '2.2': 'Entities',
      '3.1': 'Creating a Room',
      '3.2': 'Replicating a Room',
      '3.3': 'Finding a Room',
      '3.4': 'Joining a Shadow',
      '3.5': 'Joining a Room',
      '3.6': 'Sending a Message',
      '3.7': 'Re-Syncing after Connectivity Loss',
    },
  },
  '0282': {
    title: 'DMUC2: Distributed MUC',
    sections: {
      '1': 'Introduction',
      '2': 'Requirements',
      '3': 'Terminology',
      '4': 'PRIMARY/REPLICA Protocol',
      '5': 'Use-Cases',
      '6': 'Security Considerations',
      '7': 'IANA Considerations',
      '8': 'XMPP Registrar Considerations',
      '9': 'XML Schema',
      '3.1': 'Dramatis Personae',
      '4.1': 'Replica Requirements',
      '4.2': 'Creating a Replica',
      '4.3': 'Initial Room Roster',
      '4.4': 'Initial Room History',
      '4.5': 'ENTER',
      '4.6': 'LEAVE',
      '4.7': 'Presence Update',
      '4.8': 'Replica Forwards Stanza to Primary',
      '4.9': 'Message Broadcast',
      '4.10': 'Primary-Replica Keepalive',
      '4.11': 'Netsplit',
      '4.11.1': 'Netsplit Detection',
      '4.11.1.1': 'At the Primary',
      '4.11.1.2': 'At the Replica',
      '4.11.2': 'Netjoin',
      '5.1': 'Entering a Room',
      '5.2': 'Sending a Message to All Occupants',
    },
  },
  '0289': {
    title: 'Federated MUC for Constrained Environments',
    sections: {
      '1': 'Introduction',
      '2': 'Requirements',
      '3': 'Addressing',
      '4': 'Actors',
      '5': 'Use Cases',
      '6': 'Business Rules',
      '7': 'Security Considerations',
      '8': 'TBD',
      '9': 'IANA Considerations',
      '10': 'XMPP Registrar Considerations',
      '11': 'XML Schema',
      '1.1': 'Terminology',
      '5.1': 'Initial Federation',
      '5.2': 'Sending messages',
      '5.3': 'Subsequent activity',
      '5.4': 'Leaving a room',
      '5.5': 'Administration',
      '5.6': 'Private Messages',
    },
  },
  '0045': {
    title: 'Multi-User Chat',
    sections: {
      '4': 'Terminology',
      '5': 'Roles, Affiliations, and Privileges',
      '6': 'Entity Use Cases',
      '7': 'Occupant Use Cases',
      '8': 'Moderator Use Cases',
      '9': 'Admin Use Cases',
      '10': 'Owner Use Cases',
      '11': 'Service Use Cases',
      '4.1': 'General Terms',
      '4.2': 'Room Types',
      '4.3': 'Dramatis Personae',
      '5.1': 'Roles',
      '5.1.1': 'Privileges',
      '5.1.2': 'Default Roles',
      '5.1.3': 'Changing Roles',
      '5.2': 'Affiliations',
      '5.2.1': 'Privileges',
      '5.2.2': 'Changing Affiliations',
      '6.1': 'Discovering a MUC Service',
      '6.2': 'Discovering the Features Supported by a MUC Service',
      '6.3': 'Discovering Rooms',
      '6.4': 'Querying for Room Information',
      '6.5': 'Querying for Room Items',
      '6.6': 'Querying a Room Occupant',
      '6.7': 'Discovering Client Support for MUC',
      '7.1': 'Order of Events',
      '7.2': 'Entering a Room',
      '7.2.1': 'Basic MUC Protocol',
      '7.2.2': 'Presence Broadcast',
      '7.2.3': 'Non-Anonymous Rooms',
      '7.2.4': 'Semi-Anonymous Rooms',
      '7.2.5': 'Password-Protected Rooms',
      '7.2.6': 'Members-Only Rooms',
      '7.2.7': 'Banned Users',
      '7.2.8': 'Nickname Conflict',
      '7.2.9': 'Max Users',
      '7.2.10': 'Locked Room',
      '7.2.11': 'Nonexistent Room',
      '7.2.12': 'Room Logging',
      '7.2.13': 'Discussion History',
      '7.2.14': 'Managing Discussion History',
      '7.2.15': 'Room Subject',
      '7.2.16': 'Live Messages',
      '7.2.17': 'Error Conditions',
      '7.2.18': 'Groupchat 1.0 Protocol',
      '7.3': 'Occupant Modification of the Room Subject',
      '7.4': 'Sending a Message to All Occupants',
      '7.5': 'Sending a Private Message',
      '7.6': 'Changing Nickname',
      '7.7': 'Changing Availability Status',
      '7.8': 'Inviting Another User to a Room',
      '7.8.1': 'Direct Invitation',
      '7.8.2': 'Mediated Invitation',
      '7.9': 'Converting a One-to-One Chat Into a Multi-User Conference',
      '7.10': 'Registering with a Room',
      '7.11': 'Getting the Member List',
      '7.12': 'Discovering Reserved Room Nickname',
      '7.13': 'Requesting Voice',
      '7.14': 'Exiting a Room',
      '8.1': 'Modifying the Room Subject',
      '8.2': 'Kicking an Occupant',
      '8.3': 'Granting Voice to a Visitor',
      '8.4': 'Revoking Voice from a Participant',
      '8.5': 'Modifying the Voice List',
      '8.6': 'Approving Voice Requests',
      '9.1': 'Banning a User',
      '9.2': 'Modifying the Ban List',
      '9.3': 'Granting Membership',
      '9.4': 'Revoking Membership',
      '9.5': 'Modifying the Member List',
      '9.6': 'Granting Moderator Status',
      '9.7': 'Revoking Moderator Status',
      '9.8': 'Modifying the Moderator List',
      '9.9': 'Approving Registration Requests',
      '10.1': 'Creating a Room',
      '10.1.1': 'General Considerations',
      '10.1.2': 'Creating an Instant Room',
      '10.1.3': 'Creating a Reserved Room',
      '10.2': 'Subsequent Room Configuration',
      '10.2.1': 'Notification of Configuration Changes',
      '10.3': 'Granting Owner Status',
      '10.4': 'Revoking Owner Status',
      '10.5': 'Modifying the Owner List',
      '10.6': 'Granting Admin Status',
      '10.7': 'Revoking Admin Status',
      '10.8': 'Modifying the Admin List',
      '10.9': 'Destroying a Room',
      '11.1': 'Service removes user because of error response',
      '11.2': 'Service removes user because of service shut down',
      '17.1': 'Addresses',
      '17.2': 'Message',
      '17.3': 'Presence',
      '17.4': 'IQ',
      '18.1': 'Services',
      '18.1.1': 'Allowable Traffic',
      '18.1.2': 'Ghost Users',
      '18.2': 'Clients',
      '18.2.1': 'IRC Command Mapping',
      '18.2.2': 'Presence Subscriptions',
    },
  },
  '0225': {
    title: 'Component Connections',
    sections: {
      '1': 'Introduction',
      '2': 'Requirements',
      '3': 'Stream Establishment',
      '4': 'Hostname Binding',
      '5': 'Security Considerations',
    },
  },
  '0199': {
    title: 'XMPP Ping',
    sections: {
      '1': 'Introduction',
      '2': 'Requirements',
      '3': 'Protocol',
      '4': 'Use Cases',
      '5': 'Determining Support',
      '6': 'Implementation Notes',
      '10': 'XML Schema',
      '4.1': 'Server-To-Client Pings',
      '4.2': 'Client-To-Server Pings',
      '4.3': 'Server-To-Server Pings',
      '4.4': 'Client-to-Client Pings',
      '4.5': 'Component-to-Client Pings',
    },
  },
  '0030': {
    title: 'Service Discovery',
    sections: {
      '1': 'Introduction',
      '2': 'Requirements',
      '3': 'Discovering Information About a Jabber Entity',
      '4': 'Discovering the Items Associated with a Jabber Entity',
      '5': 'Publishing Available Items',
      '6': 'Implementation Notes',
      '7': 'Error Conditions',
      '10': 'XMPP Registrar Considerations',
      '11': 'XML Schemas',
      '12': 'Author Note',
      '3.1': 'Basic Protocol',
      '3.2': 'Info Nodes',
      '4.1': 'Basic Protocol',
      '4.2': 'Items Nodes',
      '4.3': 'Node Hierarchies',
      '4.4': 'Relationship Between an Entity and its Items',
      '6.1': 'Number of Info Requests',
      '6.2': 'Number of Items Requests',
      '6.3': 'Response Consistency',
      '10.1': 'Protocol Namespaces',
      '10.2': 'Registries',
      '10.3': 'URI Query Types',
      '11.1': 'disco#info',
      '11.2': 'disco#items',
    },
  },

  '0203': { title: 'Delayed Delivery', sections: { '2': 'Protocol' } },
  '0359': {
    title: 'Unique and Stable Stanza IDs',
    sections: { '3': 'Use Cases', '3.1': 'Unique and Stable Stanza IDs', '4': 'Business Rules' },
  },
  '0307': { title: 'Unique Room Names for Multi-User Chat', sections: { '2': 'Protocol' } },
  '0059': { title: 'Result Set Management', sections: { '2': 'Use Cases', '2.4': 'Page Not Found' } },
  '0092': { title: 'Software Version', sections: { '2': 'Protocol' } },
  '0313': {
    title: 'Message Archive Management',
    sections: {
      '4': 'Querying an archive',
      '4.1.5': 'Retrieving form fields',
      '4.3': 'Paging through results',
      '6.1.2': 'MUC Archives',
    },
  },
  '0425': {
    title: 'Moderated Message Retraction',
    sections: { '2': 'Discovering support', '3': 'Use Case', '4': 'Tombstones', '5': 'Business Rules' },
  },
  '0486': {
    title: 'MUC Avatars',
    sections: {
      '3': 'Use Cases',
      '3.2': 'Owner of the Room Publishes Avatar',
      '3.4': 'User Retrieves the vCard',
      '5.2': 'Previous Usage of Presence for Avatar Advertising',
    },
  },
  '0410': {
    title: "MUC Self-Ping (Schrödinger's Chat)",
    sections: { '3': 'Entity Use Cases', '3.2': 'Performing a Self-Ping' },
  },
  '0050': { title: 'Ad-Hoc Commands', sections: { '2': 'Use Cases', '2.4': 'Command Execution' } },
  '3921': { title: 'XMPP: Instant Messaging and Presence (2004)', sections: { '3': 'Session Establishment' } },
  '6120': {
    title: 'XMPP: Core',
    sections: {
      '4': 'XML Streams',
      '4.9': 'Stream Errors',
      '6': 'SASL Negotiation',
      '7': 'Resource Binding',
      '8': 'XML Stanzas',
      '8.1': 'Common Attributes',
      '8.1.1': 'to',
      '8.1.2': 'from',
      '8.1.3': 'id',
      '8.2': 'Basic Semantics',
      '8.2.1': 'Message Semantics',
      '8.2.2': 'Presence Semantics',
      '8.2.3': 'IQ Semantics',
      '8.3': 'Stanza Errors',
      '8.3.1': 'Rules',
      '8.3.2': 'Syntax',
      '8.3.3': 'Defined Conditions',
      '8.4': 'Extended Content',
      '10': 'Server Rules for Processing XML Stanzas',
      '10.1': 'In-Order Processing',
      '10.2': 'General Considerations',
      '10.3': "No 'to' Address",
      '10.4': 'Remote Domain',
      '10.5': 'Local Domain',
      '10.5.1': 'domainpart',
      '10.5.2': 'domainpart/resourcepart',
      '10.5.3': 'localpart@domainpart',
      '10.5.4': 'localpart@domainpart/resourcepart',
    },
  },
  '6121': {
    title: 'XMPP: Instant Messaging and Presence',
    sections: {
      '2': 'Managing the Roster',
      '2.1.3': 'Roster Get',
      '2.1.4': 'Roster Result',
      '4': 'Exchanging Presence Information',
      '4.2': 'Initial Presence',
      '4.2.2': 'Server Processing of Outbound Initial Presence',
      '4.3.2': 'Server Processing of Inbound Presence Probe',
      '4.4': 'Subsequent Presence Broadcast',
      '4.4.2': 'Server Processing of Outbound Presence Broadcast',
      '4.5': 'Unavailable Presence',
      '4.5.2': 'Server Processing of Outbound Unavailable Presence',
      '4.6': 'Directed Presence',
      '4.6.3': 'Server Processing of Outbound Directed Presence',
      '4.7': 'Presence Syntax',
      '5': 'Exchanging Messages',
      '5.2': 'Message Syntax',
      '8': 'Server Rules for Processing XML Stanzas',
      '8.5': 'Local User',
      '8.5.2': 'localpart@domainpart',
      '8.5.3': 'localpart@domainpart/resourcepart',
    },
  },
  '7395': {
    title: 'XMPP Subprotocol for WebSocket',
    sections: { '3': 'XMPP Subprotocol', '3.6': 'Closing the Connection' },
  },
};
