"""A room client with slixmpp, driven by lines of JSON: {"do": NAME, ARGUMENT: VALUE…} in, {"is": VALUE} or {"error": TEXT} out."""

import asyncio
import json
import logging
import sys

import slixmpp
from slixmpp.exceptions import IqError, IqTimeout, PresenceError

# slixmpp prints while it joins; what we answer goes out alone.
answers = sys.stdout
sys.stdout = sys.stderr
logging.basicConfig(level=logging.WARNING, format='%(levelname)s %(name)s %(message)s', stream=sys.stderr)


class RoomClient(slixmpp.ClientXMPP):
    def __init__(self, address, password, room):
        super().__init__(address, password)
        self['feature_mechanisms'].unencrypted_scram = True
        self['feature_mechanisms'].unencrypted_plain = True
        for number in ('0004', '0030', '0045', '0059', '0092', '0199', '0203', '0249', '0313', '0359', '0421'):
            self.register_plugin(f'xep_{number}')
        self.room = slixmpp.JID(room)
        self.muc = self['xep_0045']
        self.nick = None
        self.seen_stanzas = []
        self.add_filter('in', self.see)
        self.forget()
        self.add_event_handler('groupchat_message', self.on_groupchat)
        self.add_event_handler('groupchat_subject', self.on_subject)
        self.add_event_handler('message', self.on_message)
        self.add_event_handler('groupchat_presence', self.on_presence)
        self.add_event_handler('message_error', self.on_refusal)

    def forget(self):
        self.said, self.private, self.topic, self.removed, self.refused = [], [], '', None, []

    def on_groupchat(self, message):
        self.said.append(message['body'])

    def on_subject(self, message):
        self.topic = message['subject']

    def on_message(self, message):
        if message['type'] == 'chat' and message['from'].bare == self.room.bare and message['body']:
            self.private.append((message['from'].resource, message['body']))

    def see(self, stanza):
        if stanza.name in ('message', 'presence', 'iq') and stanza['from'].bare == self.room.bare:
            self.seen_stanzas.append(str(stanza))
        return stanza

    def on_refusal(self, message):
        self.refused.append({'from': str(message['from']), 'condition': message['error']['condition']})

    def on_presence(self, presence):
        codes = presence['muc']['status_codes']
        if 110 not in codes:
            return
        if presence['type'] != 'unavailable':
            self.nick = presence['from'].resource
        elif 303 not in codes:
            why = {301: 'banned', 307: 'kicked'}
            reason = presence['muc'].xml.findtext('{*}item/{*}reason') or ''
            self.removed = ' '.join([why[code] for code in why if code in codes] + [reason]).strip() or 'left'

    async def login(self, port):
        bound = asyncio.get_running_loop().create_future()
        self.add_event_handler('session_start', lambda _: bound.set_result(True))
        self.add_event_handler('failed_auth', lambda _: bound.set_exception(RuntimeError('not let in')))
        self.connect(('127.0.0.1', port), use_ssl=False, force_starttls=False, disable_starttls=True)
        await asyncio.wait_for(bound, 15)
        self.send_presence()
        await self.get_roster(timeout=10)

    async def enter(self, nick):
        self.removed = None
        await self.muc.join_muc_wait(self.room, nick, maxstanzas=50, timeout=10)
        # A good neighbour asks what it has entered, and whether it is still there (XEP-0410).
        info = await self['xep_0030'].get_info(jid=self.room, timeout=10)
        assert 'http://jabber.org/protocol/muc' in info['disco_info']['features'], 'the room is no room'
        assert await self['xep_0199'].send_ping(f'{self.room}/{nick}', timeout=10) is not None

    async def leave(self):
        self.muc.leave_muc(self.room, self.nick)

    async def say(self, text):
        self.send_message(mto=self.room, mbody=text, mtype='groupchat')

    async def tell(self, nick, text):
        message = self.make_message(mto=f'{self.room}/{nick}', mbody=text, mtype='chat')
        message.enable('muc')
        message.send()

    async def rename(self, nick):
        self.send_presence(pto=f'{self.room}/{nick}')

    async def set_subject(self, text):
        self.muc.set_subject(self.room, text)

    async def kick(self, nick, reason):
        await self.muc.set_role(self.room, nick, 'none', reason=reason, timeout=10)

    async def ban(self, jid, reason):
        await self.muc.set_affiliation(self.room, 'outcast', jid=slixmpp.JID(jid), reason=reason, timeout=10)
        assert jid in [str(one) for one in await self.muc.get_affiliation_list(self.room, 'outcast', timeout=10)]

    async def configure(self, changes):
        form = await self.muc.get_room_config(self.room, timeout=10)
        fields = form.get_fields()
        for var, value in changes.items():
            fields[var]['value'] = {'0': False, '1': True}[value] if fields[var]['type'] == 'boolean' else value
        await self.muc.set_room_config(self.room, form, timeout=10)

    async def configuration(self):
        form = await self.muc.get_room_config(self.room, timeout=10)
        values = {}
        for var, field in form.get_fields().items():
            value = field['value']
            if isinstance(value, bool):
                value = '1' if value else '0'
            values[var] = '\n'.join(value) if isinstance(value, list) else value or ''
        return values

    async def texts(self):
        return self.said

    async def private_texts(self, nick):
        return [body for sender, body in self.private if sender == nick]

    async def occupants(self):
        return self.muc.get_roster(self.room) if self.room in self.muc.rooms else []

    async def subject(self):
        return self.topic

    async def send_text(self, xml):
        self.send_raw(xml)

    async def seen(self):
        return self.seen_stanzas

    async def show(self, show, status):
        self.send_presence(pto=f'{self.room}/{self.nick}', pshow=show, pstatus=status)

    async def refusals(self):
        return self.refused

    async def removal(self):
        return self.removed

    async def reload(self, nick):
        """Enters without history, and reads the archive instead, in pages of ten."""
        self.forget()
        await self.muc.join_muc_wait(self.room, nick, maxstanzas=0, timeout=10)
        archived = []
        fields = await self['xep_0313'].get_fields(jid=self.room, timeout=10)
        assert 'start' in fields.get_fields(), 'the archive says no fields'
        async for message in self['xep_0313'].iterate(jid=self.room, rsm={'max': 10}):
            body = message['mam_result']['forwarded']['stanza']['body']
            if body:
                archived.append(body)
        self.said = archived + self.said


async def main(address, password, room, port):
    client = RoomClient(address, password, room)
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)

    async def perform(request):
        do = request.pop('do')
        try:
            return {'is': await getattr(client, do)(**request)}
        except PresenceError as refused:
            return {'error': f"refused: {refused.presence['error']['condition']}"}
        except IqError as refused:
            return {'error': f'{do}: {refused.condition} {refused.text}'.strip()}
        except (IqTimeout, asyncio.TimeoutError):
            return {'error': f'{do}: no answer'}
        except Exception as problem:
            return {'error': f'{do}: {problem!r}'}

    answer = await perform({'do': 'login', 'port': port})
    while True:
        print(json.dumps(answer), file=answers, flush=True)
        line = await reader.readline()
        if not line:
            break
        answer = await perform(json.loads(line))
    client.disconnect()
    await asyncio.sleep(0.2)


asyncio.set_event_loop(asyncio.new_event_loop())
loop = asyncio.get_event_loop()
_, address, room, port = sys.argv
loop.run_until_complete(main(address, 'pw', room, int(port)))
