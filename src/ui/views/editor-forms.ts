/** The form of each thing of a scenario: server, link, node, room, person, script. */
import { html, nothing, type TemplateResult } from 'lit';
import { federationOf, roomsOf } from '../../scenario/federation.ts';
import { outboundsOf, type Scenario, type ScenarioNode, type ScenarioRoom } from '../../scenario/scenario.ts';
import { parts } from '../editor/addresses.ts';
import type { Editing } from '../editor/editing.ts';
import { faultsAt } from '../editor/faults.ts';
import { fieldsOf, headFields } from '../editor/fields.ts';
import {
  type Affiliation,
  affiliationOf,
  joinsAtStart,
  movePerson,
  moveStep,
  readdressPerson,
  setAffiliation,
  setJoinsAtStart,
} from '../editor/people.ts';
import { type Place, put } from '../editor/put.ts';
import { moveNode, type Protocol, protocolOf, protocols, renameNode, renameRoom } from '../editor/rooms.ts';
import { renameServer } from '../editor/servers.ts';
import { enterable, setJoins, setMode, setProtocol, spread, spreadOf, withdraw } from '../editor/spread.ts';
import { protocolWords } from '../editor/words.ts';
import { addressRow, checkRow, choiceRow, faultNote, fieldRows, textRow } from './editor-fields.ts';
import { icon } from './icons.ts';

/** @param place  of a thing: see thingAt */
export function formOf(editing: Editing, place: Place): TemplateResult | typeof nothing {
  const { scenario } = editing;
  const [list, index = 0, , room = 0] = place;
  const at = Number(index);
  switch (list) {
    case 'servers':
      return serverForm(editing, at);
    case 'links':
      return html`${fieldRows(editing, fieldsOf('link', ['between']), place)}${faultNote(faultsAt(editing.faults, [...place, 'between']), 'edit-between-fault')}`;
    case 'nodes': {
      const node = scenario.nodes[at];
      if (node === undefined) return nothing;
      const one = node.kind === 'service' ? node.rooms[Number(room)] : undefined;
      return place.length > 2 && one ? roomForm(editing, one, place) : nodeForm(editing, node, at);
    }
    case 'occupants':
      return personForm(editing, at);
    case 'script':
      return scriptForm(editing);
    default:
      return html`${fieldRows(editing, headFields(), [])}`;
  }
}

const serverOptions = ({ servers }: Scenario) => servers.map(({ domain }) => [domain, domain] as const);

function serverForm(editing: Editing, index: number): TemplateResult | typeof nothing {
  const { scenario } = editing;
  const server = scenario.servers[index];
  if (server === undefined) return nothing;
  const place = ['servers', index];
  const [x, y] = server.at;
  const move = (axis: 0 | 1) => (text: string) => {
    const percent = Number(text.replace('%', ''));
    const share = Number.isFinite(percent) ? Math.min(100, Math.max(0, percent)) / 100 : server.at[axis];
    editing.change(put(scenario, [...place, 'at', axis], share));
  };
  return html`
    ${addressRow(editing, { label: 'Domain', place: [...place, 'domain'], hint: 'Its people, and services below it, move along.' }, server.domain, (to) => editing.change(renameServer(scenario, server.domain, to)))}
    <div class="pair">
      ${textRow(editing, { label: 'From the left (%)', place: [...place, 'at', 0] }, String(Math.round(x * 1000) / 10), move(0))}
      ${textRow(editing, { label: 'From the top (%)', place: [...place, 'at', 1] }, String(Math.round(y * 1000) / 10), move(1))}
    </div>
    <small>The outermost servers stand at the edges of the picture. You can drag servers there, or press Alt and an arrow key.</small>`;
}

function nodeForm(editing: Editing, node: ScenarioNode, index: number): TemplateResult {
  const { scenario } = editing;
  const place = ['nodes', index];
  const head = html`
    ${addressRow(editing, { label: node.kind === 'service' ? 'Domain of the service' : 'Account', place: [...place, 'address'] }, node.address, (to) => editing.change(renameNode(scenario, node, to)))}
    ${choiceRow(editing, { label: 'Server', place: [...place, 'server'] }, node.server, serverOptions(scenario), (server) => editing.change(moveNode(scenario, index, server)))}`;
  if (node.kind === 'service')
    return html`${head}${more('Settings of the service', fieldRows(editing, fieldsOf('service', ['address', 'server', 'rooms']), place))}`;
  const primaries = roomsOf(scenario).flatMap(({ jid, distribution }) =>
    distribution?.kind === 'primary' ? [[jid, jid] as const] : [],
  );
  return html`${head}
    ${choiceRow(editing, { label: 'Replica of', place: [...place, 'replicaOf'] }, node.replicaOf, primaries, (jid) => editing.change(put(scenario, [...place, 'replicaOf'], jid)))}
    ${fieldRows(editing, fieldsOf('replica', ['address', 'server', 'replicaOf']), place)}`;
}

function more(summary: string, rows: readonly TemplateResult[]): TemplateResult {
  return html`<details class="more"><summary>${summary}</summary>${rows}</details>`;
}

function roomForm(editing: Editing, room: ScenarioRoom, place: Place): TemplateResult {
  const { scenario } = editing;
  const { jid } = room;
  const protocol = protocolOf(room);
  const options = protocols.map((one) => [one, protocolWords[one]] as const);
  return html`
    ${addressRow(editing, { label: 'Address of the room', place: [...place, 'jid'] }, jid, (to) => editing.change(renameRoom(scenario, jid, to)))}
    ${choiceRow(editing, { label: 'Protocol', place: [...place, 'distribution', 'kind'] }, protocol, options, (to) => editing.change(setProtocol(scenario, jid, to as Protocol)))}
    ${protocol === 'none' ? nothing : spreadForm(editing, room)}
    ${room.distribution?.kind === 'fmuc' ? federationForm(editing, room, place) : nothing}
    ${faultNote(faultsAt(editing.faults, [...place, 'distribution']), `edit-distribution-fault`)}
    ${fieldRows(editing, fieldsOf('room', ['jid', 'distribution', 'affiliations', 'archive']), place)}
    ${more('Archive, and settings of the protocol', [
      ...fieldRows(
        editing,
        fieldsOf('room').filter(({ key }) => key === 'archive'),
        place,
      ),
      ...distributionRows(editing, protocol, place),
    ])}`;
}

/** What is chosen above is not listed again. */
function distributionRows(editing: Editing, protocol: Protocol, place: Place): readonly TemplateResult[] {
  const at = [...place, 'distribution'];
  switch (protocol) {
    case 'primary':
      return fieldRows(editing, fieldsOf('primary', ['replicas']), at);
    case 'fmuc':
      return fieldRows(editing, fieldsOf('fmuc', ['outbound', 'allowedNodes', 'mode']), at);
    case 'source':
      return fieldRows(editing, fieldsOf('source', ['peerhosts']), at);
    default:
      return [];
  }
}

const partWords: Readonly<Record<Exclude<Protocol, 'none'>, string>> = {
  primary: 'A replica on',
  fmuc: 'A room that is federated with it on',
  source: 'A shadow on',
};

function spreadForm(editing: Editing, room: ScenarioRoom): TemplateResult {
  const { scenario } = editing;
  const protocol = protocolOf(room);
  const home = scenario.nodes.find((node) => node.kind === 'service' && node.rooms.includes(room))?.server;
  const servers = spreadOf(scenario, room.jid);
  const others = scenario.servers.filter(({ domain }) => domain !== home);
  return html`<fieldset class="group" data-testid="spread">
    <legend>${protocol === 'none' ? '' : partWords[protocol]}</legend>
    ${others.length === 0 ? html`<small>There is no other server yet. Add one, and the room can have a part there.</small>` : nothing}
    ${others.map(({ domain }) =>
      checkRow({ label: domain, place: ['spread', room.jid, domain] }, servers.includes(domain), (on) =>
        editing.change((on ? spread : withdraw)(scenario, room.jid, domain)),
      ),
    )}
  </fieldset>`;
}

function federationForm(editing: Editing, room: ScenarioRoom, place: Place): TemplateResult {
  const { scenario } = editing;
  const { jid, distribution } = room;
  const mode = distribution?.kind === 'fmuc' ? (distribution.mode ?? 'primary-primary') : '';
  const others = roomsOf(scenario).filter((one) => one.jid !== jid && one.distribution?.kind === 'fmuc');
  const joined = outboundsOf(distribution);
  return html`
    ${choiceRow(
      editing,
      {
        label: 'Mode',
        place: [...place, 'distribution', 'mode'],
        hint: federationOf(scenario, jid).length > 1 ? 'Of all rooms that are federated with it.' : '',
      },
      mode,
      [
        ['primary-primary', 'Primary-primary: each room shows at once what its own people say'],
        ['primary-replica', 'Primary-replica: nothing is shown before the primary has it'],
      ],
      (to) => editing.change(setMode(scenario, jid, to as 'primary-primary')),
    )}
    ${
      others.length === 0
        ? nothing
        : html`<fieldset class="group"><legend>Joins</legend>
          ${others.map((one) => checkRow({ label: one.jid, place: ['joins', jid, one.jid] }, joined.includes(one.jid), (on) => editing.change(setJoins(scenario, jid, one.jid, on))))}
        </fieldset>`
    }`;
}

function personForm(editing: Editing, index: number): TemplateResult | typeof nothing {
  const { scenario } = editing;
  const who = scenario.occupants[index];
  if (who === undefined) return nothing;
  const place = ['occupants', index];
  const { local, domain, resource } = parts(who.jid);
  const readdress = (name: string, device: string) => {
    const to = `${name.trim()}@${domain}/${device.trim()}`;
    const isTaken = scenario.occupants.some(({ jid }, i) => i !== index && jid === to);
    if (isTaken) editing.refuse([...place, 'jid'], `the address ${to} is taken: it stays ${who.jid}`);
    else editing.change(readdressPerson(scenario, index, to));
  };
  const faults = faultsAt(editing.faults, [...place, 'jid']);
  const known = enterable(scenario);
  const rooms = [
    ...known.map((jid) => [jid, jid] as const),
    ...(known.includes(who.room) ? [] : [[who.room, `${who.room} (not there)`] as const]),
  ];
  const affiliations = [
    ['', 'none'],
    ['owner', 'owner'],
    ['admin', 'admin'],
    ['member', 'member'],
    ['outcast', 'outcast'],
  ] as const;
  return html`
    ${textRow(editing, { label: 'Nick', place: [...place, 'nick'] }, who.nick, (nick) => editing.change(put(scenario, [...place, 'nick'], nick)))}
    <div class="pair">
      ${textRow(editing, { label: 'User name', place: [...place, 'jid'], faults }, local, (name) => readdress(name, resource))}
      ${textRow(editing, { label: 'Device', place: [...place, 'resource'], faults: [] }, resource, (device) => readdress(local, device))}
    </div>
    ${choiceRow(editing, { label: 'Server', place: [...place, 'server'], faults: [] }, domain, serverOptions(scenario), (server) => editing.change(movePerson(scenario, index, server)))}
    ${choiceRow(editing, { label: 'Enters the room', place: [...place, 'room'], hint: roomHint(scenario, who.room) }, who.room, rooms, (room) => editing.change(put(scenario, [...place, 'room'], room)))}
    ${choiceRow(editing, { label: 'Affiliation there', place: [...place, 'affiliation'] }, affiliationOf(scenario, who) ?? '', affiliations, (to) => editing.change(setAffiliation(scenario, who, to === '' ? undefined : (to as Affiliation))))}
    ${checkRow({ label: 'Enters at the start (a step of the script)', place: [...place, 'joins'] }, joinsAtStart(scenario, who.jid), (joins) => editing.change(setJoinsAtStart(scenario, who.jid, joins)))}`;
}

function roomHint(scenario: Scenario, room: string): string {
  const kind = roomsOf(scenario).find(({ jid }) => jid === room)?.distribution?.kind;
  if (kind === 'primary') return 'The replica of their server serves them, if there is one.';
  if (kind === 'source') return 'The room sends them to the shadow of their server, if there is one.';
  return kind === 'fmuc' ? 'With federated rooms: the one of their own server.' : '';
}

function scriptForm(editing: Editing): TemplateResult {
  const { scenario } = editing;
  const nickOf = (jid: string) => scenario.occupants.find((one) => one.jid === jid)?.nick ?? jid;
  const { length } = scenario.script;
  return html`
    <small>What happens once all nodes are up, in this order.</small>
    ${length === 0 ? html`<p class="note">Nobody enters by themselves. Choose a person to have them enter at the start, or add a step.</p>` : nothing}
    <ol class="steps">
      ${scenario.script.map(
        ({ act, who }, i) => html`<li>
          <span>${nickOf(who)} ${act === 'join' ? 'enters' : 'leaves'}</span>
          <span class="buttons">
            <button type="button" class="round" aria-label=${`Earlier: step ${i + 1}`} ?disabled=${i === 0} @click=${() => editing.change(moveStep(scenario, i, -1))}>${icon('up')}</button>
            <button type="button" class="round" aria-label=${`Later: step ${i + 1}`} ?disabled=${i === length - 1} @click=${() => editing.change(moveStep(scenario, i, 1))}>${icon('down')}</button>
            <button type="button" class="round" aria-label=${`Remove step ${i + 1}`} @click=${() => editing.change(put(scenario, ['script', i], undefined))}>${icon('close')}</button>
          </span>
          ${faultNote(faultsAt(editing.faults, ['script', i]), `edit-script-${i}-fault`)}
        </li>`,
      )}
    </ol>
    ${addStep(editing)}`;
}

function addStep(editing: Editing): TemplateResult | typeof nothing {
  const { scenario } = editing;
  if (scenario.occupants.length === 0) return nothing;
  const add = (event: SubmitEvent) => {
    event.preventDefault();
    const of = new FormData(event.target as HTMLFormElement);
    const step = { act: of.get('act') === 'leave' ? 'leave' : 'join', who: String(of.get('who')) } as const;
    editing.change({ ...scenario, script: [...scenario.script, step] });
  };
  return html`<form class="add-step" @submit=${add}>
    <select name="who" aria-label="Who">${scenario.occupants.map(({ jid, nick }) => html`<option value=${jid}>${nick}</option>`)}</select>
    <select name="act" aria-label="What they do"><option value="join">enters</option><option value="leave">leaves</option></select>
    <button>${icon('add')} Add step</button>
  </form>`;
}
