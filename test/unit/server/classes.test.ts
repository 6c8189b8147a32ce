import { describe, expect, it } from 'vitest';
import { childrenOf, elementsOf, serialize, textOf, type XmlElement } from '../../../src/core/xmpp/xml.ts';
import { classesMax, studentsMax } from '../../../src/server/classes.ts';
import { cast, errorCondition, fakeNetwork, type WireClient } from '../../support/server.ts';

/** A class: pages of students follow the page of a lecturer (core/xep/classroom.ts). */

const ns = 'urn:x-netsplit:class:0';
const code = 'k7m2qp';
const key = 'the-key-of-the-lecturer';

const students = Array.from({ length: studentsMax + 1 }, (_, i) => ({
  address: `guest${i}@avalon.irc`,
  password: 'pw',
  role: 'user' as const,
}));

function school() {
  const net = fakeNetwork({ accounts: [...cast.accounts, ...students] });
  const lecturer = net.login('operator@avalon.irc/lecture');
  return { ...net, lecturer };
}

let ids = 0;
function ask(client: WireClient, payload: string): XmlElement {
  const id = `q${++ids}`;
  client.send(
    `<iq xmlns="jabber:client" type="set" id="${id}" to="${client.address.replace(/.*@|\/.*/g, '')}">${payload}</iq>`,
  );
  const answer = client.take().find(({ attrs }) => attrs['id'] === id);
  if (answer === undefined) throw new Error(`no answer to ${payload}`);
  return answer;
}
const open = (client: WireClient, one = code, secret = key) =>
  ask(client, `<open xmlns="${ns}" code="${one}" key="${secret}"/>`);
const follow = (client: WireClient, nick = '', one = code) =>
  ask(client, `<follow xmlns="${ns}" code="${one}" nick="${nick}"/>`);
const answer = (client: WireClient, value: string, question = 'q') =>
  ask(client, `<answer xmlns="${ns}" question="${question}">${value}</answer>`);
const show = (client: WireClient, place: string, more = '') =>
  ask(client, `<state xmlns="${ns}"><place>${place}</place>${more}</state>`);
const number = (id: string) => `<question id="${id}" unit="stanzas"><ask>How many?</ask></question>`;
const choices = (id: string) =>
  `<question id="${id}"><ask>Which?</ask><choice>one</choice><choice>two</choice></question>`;

const seats = (...nicks: readonly string[]) =>
  nicks.map((nick) => `<seat who="${nick.toLowerCase()}@avalon.irc/x" nick="${nick}"/>`).join('');
const seatOf = (nick: string) => `${nick.toLowerCase()}@avalon.irc/x`;
const take = (client: WireClient, nick: string) => ask(client, `<take xmlns="${ns}" who="${seatOf(nick)}"/>`);
const give = (client: WireClient) => ask(client, `<give xmlns="${ns}"/>`);
const say = (client: WireClient, text: string, more = '') => ask(client, `<say xmlns="${ns}" ${more}>${text}</say>`);
const followAs = (client: WireClient, secret: string) =>
  ask(client, `<follow xmlns="${ns}" code="${code}" nick="" secret="${secret}"/>`);
/** The people as a student was told of them last: who is taken, and who is theirs. */
const seen = (all: readonly XmlElement[]) =>
  all
    .filter(({ name }) => name === 'seats')
    .map((one) =>
      childrenOf(one, 'seat', ns).map(
        ({ attrs: { nick, taken, yours } }) => `${nick}${yours ? ' yours' : taken ? ' taken' : ''}`,
      ),
    )
    .at(-1);

/** What the server has told a page since it was asked last: elements of our own namespace. */
const heard = (client: WireClient) =>
  client
    .take()
    .flatMap(elementsOf)
    .filter(({ xmlns }) => xmlns === ns);
const placeOf = (state: XmlElement | undefined) => state && childrenOf(state, 'place', ns).map(textOf)[0];
const listed = (all: readonly XmlElement[]) =>
  all.flatMap((one) => childrenOf(one, 'student', ns)).map(({ attrs }) => attrs);

describe('A class', () => {
  it('whoever comes, however late, is shown what the lecturer’s page shows', () => {
    const { host, login, lecturer } = school();
    open(lecturer);
    const early = login('guest0@avalon.irc/a');
    expect(placeOf(elementsOf(follow(early))[0])).toBe('');
    show(lecturer, '#lab=wallops&amp;seed=7');
    host.advance(0);
    expect(heard(early).map(placeOf)).toEqual(['#lab=wallops&seed=7']);
    const late = login('guest1@avalon.irc/a');
    expect(placeOf(elementsOf(follow(late))[0])).toBe('#lab=wallops&seed=7');
  });

  it('a lecturer who asks for their class twice goes on with it', () => {
    const { host, login, lecturer } = school();
    open(lecturer);
    const ann = login('guest0@avalon.irc/a');
    follow(ann, 'Ann');
    expect(listed(elementsOf(open(lecturer)))).toMatchObject([{ nick: 'Ann' }]);
    show(lecturer, '#still');
    host.advance(0);
    expect(heard(ann).map(placeOf)).toEqual(['#still']);
    expect(errorCondition(follow(login('guest1@avalon.irc/a')))).toBeUndefined();
  });

  it('also where a student is on another server of the network', () => {
    const { host, login, lecturer } = school();
    open(lecturer);
    const far = login('msa@vesa.irc/a');
    expect(errorCondition(follow(far))).toBeUndefined();
    show(lecturer, '#far');
    host.advance(0);
    expect(heard(far).map(placeOf)).toEqual(['#far']);
  });

  it('tells of many changes at once the last', () => {
    const { host, login, lecturer } = school();
    open(lecturer);
    const student = login('guest0@avalon.irc/a');
    follow(student);
    host.advance(1_000);
    for (let i = 1; i <= 50; i++) {
      show(lecturer, `#at=${i}`);
      host.advance(10);
    }
    host.advance(1_000);
    const places = heard(student).map(placeOf);
    expect(places.at(-1)).toBe('#at=50');
    expect(places.length).toBeLessThan(6);
  });

  it('carries a lesson, its step and a question as they are', () => {
    const { login, lecturer } = school();
    open(lecturer);
    const parts = `<lesson id="a-replica-spares-the-link" step="3"/>${choices('a-replica/3')}`;
    expect(errorCondition(show(lecturer, '#x', parts))).toBeUndefined();
    const [state] = elementsOf(follow(login('guest0@avalon.irc/a')));
    expect(serialize(state as XmlElement)).toContain('step="3"');
    expect(serialize(state as XmlElement)).toContain('<choice>two</choice>');
  });

  it('the lecturer alone is told who follows, what they answer, and who has left', () => {
    const { host, login, lecturer } = school();
    open(lecturer);
    show(lecturer, '#x', number('q'));
    const [ann, bob] = [login('guest0@avalon.irc/a'), login('guest1@avalon.irc/a')];
    follow(ann, 'Ann');
    follow(bob, '  Bob   the &#x202e; builder ');
    host.advance(0);
    lecturer.take();
    host.advance(1_000);
    answer(ann, '4');
    answer(bob, ' 8 ');
    bob.vanish();
    host.advance(1_000);
    expect(listed(heard(lecturer))).toEqual([
      { n: '1', nick: 'Ann', answer: '4' },
      expect.objectContaining({ n: '2', gone: 'true' }),
    ]);
    expect(heard(ann)).toEqual([]);
  });

  it('an answer counts for the question that is asked: another one begins without answers', () => {
    const { login, lecturer } = school();
    open(lecturer);
    const student = login('guest0@avalon.irc/a');
    follow(student);
    expect(errorCondition(answer(student, '4'))).toBe('item-not-found');
    show(lecturer, '#x', number('q'));
    expect(errorCondition(answer(student, '4'))).toBeUndefined();
    expect(errorCondition(answer(student, '4', 'other'))).toBe('item-not-found');
    show(lecturer, '#x', choices('r'));
    expect(errorCondition(answer(student, '1', 'q'))).toBe('item-not-found');
  });

  it.each([
    [number('q'), ['4', '-1', '2.5', '007'], ['four', '', '1e9', '99999999999', 'NaN', '0x4', '1,5']],
    [choices('q'), ['0', '1'], ['2', '-1', 'one', '00', '']],
  ])('an answer fits its question: %s', (question, good, bad) => {
    const { login, lecturer } = school();
    open(lecturer);
    show(lecturer, '#x', question);
    const student = login('guest0@avalon.irc/a');
    follow(student);
    for (const one of good) expect(errorCondition(answer(student, one)), one).toBeUndefined();
    for (const one of bad) expect(errorCondition(answer(student, one)), one).toBe('bad-request');
  });

  it('ends when the lecturer ends it: students are told, and go on alone', () => {
    const { login, lecturer } = school();
    open(lecturer);
    const student = login('guest0@avalon.irc/a');
    follow(student);
    student.take();
    ask(lecturer, `<close xmlns="${ns}"/>`);
    expect(heard(student).map(({ name }) => name)).toEqual(['over']);
    expect(errorCondition(follow(student))).toBe('item-not-found');
  });

  it('a lecturer whose page is reloaded finds the class as it was; one who does not come back ends it', () => {
    const { host, login, lecturer } = school();
    open(lecturer);
    show(lecturer, '#before', number('q'));
    const student = login('guest0@avalon.irc/a');
    follow(student, 'Ann');
    answer(student, '4');
    lecturer.vanish();
    host.advance(15_000);
    expect(heard(student).filter(({ name }) => name === 'over')).toEqual([]);
    const reloaded = login('operator@avalon.irc/again');
    expect(listed(elementsOf(open(reloaded)))).toEqual([{ n: '1', nick: 'Ann', answer: '4' }]);
    host.advance(60_000);
    show(reloaded, '#after');
    host.advance(1_000);
    expect(heard(student).map(placeOf)).toEqual(['#after']);
    reloaded.vanish();
    host.advance(21_000);
    expect(heard(student).map(({ name }) => name)).toEqual(['over']);
  });

  it('of two pages with the key, the one that opened it last leads', () => {
    const { login, lecturer } = school();
    open(lecturer);
    const other = login('operator@avalon.irc/other');
    expect(errorCondition(open(other))).toBeUndefined();
    expect(errorCondition(show(lecturer, '#x'))).toBe('forbidden');
    expect(errorCondition(show(other, '#x'))).toBeUndefined();
    lecturer.vanish();
    expect(errorCondition(show(other, '#y'))).toBeUndefined();
  });

  it('forty students follow it, and all of them answer', () => {
    const { host, login, lecturer } = school();
    open(lecturer);
    show(lecturer, '#x', number('q'));
    const all = Array.from({ length: 40 }, (_, i) => login(`guest${i}@avalon.irc/a`));
    for (const [i, student] of all.entries()) follow(student, `Student ${i}`);
    for (const [i, student] of all.entries()) answer(student, String(i % 3));
    host.advance(1_000);
    const last = new Map(listed(heard(lecturer)).map(({ n, answer: given }) => [n, given]));
    expect(last.size).toBe(40);
    expect([...last.values()].filter((given) => given === '0')).toHaveLength(14);
    show(lecturer, '#y');
    host.advance(1_000);
    for (const student of all) expect(heard(student).map(placeOf)).toEqual(['#y']);
  });

  it('nothing of it is in the trace', () => {
    const { login, lecturer, host, trace } = school();
    open(lecturer);
    show(lecturer, '#secret', number('q'));
    const student = login('guest0@avalon.irc/a');
    follow(student, 'Ann');
    answer(student, '4');
    answer(student, 'nonsense');
    host.advance(1_000);
    const text = JSON.stringify(trace());
    expect(text).not.toContain(ns);
    expect(text).not.toContain('Ann');
    expect(text).toContain('guest0@avalon.irc/a');
    expect(host.lines.join()).not.toContain('Ann');
  });
});

describe('In a class with a live room', () => {
  /** A class with two people to play, and two students. */
  function stage() {
    const { host, login, lecturer, ...rest } = school();
    open(lecturer);
    show(lecturer, '?scenario=wallops', seats('Wumpus', 'Troy'));
    const [ann, bob] = [login('guest0@avalon.irc/a'), login('guest1@avalon.irc/a')];
    follow(ann, 'Ann');
    follow(bob, 'Bob');
    host.advance(2_000);
    lecturer.take();
    return { ...rest, host, login, lecturer, ann, bob };
  }

  it('a student is told whom they can play, plays somebody, and gives them back; others see that, but not who it is', () => {
    const { host, lecturer, ann, bob } = stage();
    expect(seen(heard(ann))).toEqual(['Wumpus', 'Troy']);
    expect(errorCondition(take(ann, 'Wumpus'))).toBeUndefined();
    host.advance(1_000);
    expect(seen(heard(ann))).toEqual(['Wumpus yours', 'Troy']);
    const told = heard(bob);
    expect(seen(told)).toEqual(['Wumpus taken', 'Troy']);
    expect(JSON.stringify(told.map((one) => serialize(one)))).not.toContain('Ann');
    expect(listed(heard(lecturer))).toEqual([{ n: '1', nick: 'Ann', seat: seatOf('Wumpus') }]);
    give(ann);
    host.advance(1_000);
    expect(seen(heard(bob))).toEqual(['Wumpus', 'Troy']);
    expect(listed(heard(lecturer))).toEqual([{ n: '1', nick: 'Ann' }]);
  });

  it('what they say as this person is handed to the lecturer’s page, to the room or to one alone', () => {
    const { lecturer, ann } = stage();
    take(ann, 'Wumpus');
    expect(errorCondition(say(ann, 'Hail &amp; well met'))).toBeUndefined();
    expect(errorCondition(say(ann, 'psst', 'to="Troy" who="troy@avalon.irc/x"'))).toBeUndefined();
    const said = heard(lecturer).filter(({ name }) => name === 'say');
    expect(said.map((one) => [one.attrs['who'], one.attrs['to'], textOf(one)])).toEqual([
      [seatOf('Wumpus'), undefined, 'Hail & well met'],
      [seatOf('Wumpus'), 'Troy', 'psst'],
    ]);
  });

  it('the lecturer takes somebody back; so does what is shown, where the person is not in it any more', () => {
    const { host, lecturer, ann, bob } = stage();
    take(ann, 'Wumpus');
    take(bob, 'Troy');
    ask(lecturer, `<release xmlns="${ns}" who="${seatOf('Wumpus')}"/>`);
    host.advance(1_000);
    expect(seen(heard(ann))).toEqual(['Wumpus', 'Troy taken']);
    expect(errorCondition(say(ann, 'still me'))).toBe('forbidden');
    show(lecturer, '#lab=wallops&amp;seed=7');
    host.advance(1_000);
    expect(seen(heard(bob))).toEqual([]);
    expect(errorCondition(say(bob, 'still me'))).toBe('forbidden');
  });

  it('who is gone for a while has their seat again; who does not come back has lost it', () => {
    const { host, login, lecturer, bob } = stage();
    const secret = 'a-secret-of-the-student';
    const cat = login('guest2@avalon.irc/a');
    followAs(cat, secret);
    take(cat, 'Wumpus');
    cat.vanish();
    host.advance(15_000);
    expect(errorCondition(take(bob, 'Wumpus'))).toBe('conflict');
    const again = login('guest2@avalon.irc/b');
    followAs(again, secret);
    host.advance(1_000);
    expect(seen(heard(again))).toEqual(['Wumpus yours', 'Troy']);
    expect(errorCondition(say(again, 'back'))).toBeUndefined();
    expect(listed(heard(lecturer)).at(-1)).toMatchObject({ seat: seatOf('Wumpus') });
    again.vanish();
    host.advance(21_000);
    expect(seen(heard(bob))).toEqual(['Wumpus', 'Troy']);
    expect(errorCondition(take(bob, 'Wumpus'))).toBeUndefined();
  });

  it('a student who leaves the class leaves their seat at once', () => {
    const { ann, bob } = stage();
    take(ann, 'Wumpus');
    ask(ann, `<leave xmlns="${ns}"/>`);
    expect(errorCondition(take(bob, 'Wumpus'))).toBeUndefined();
  });

  it('a hostile student gets no seat of another, no second one, none that there is not, and none without the class', () => {
    const { host, login, lecturer, ann, bob } = stage();
    take(ann, 'Wumpus');
    expect(errorCondition(take(bob, 'Wumpus'))).toBe('conflict');
    // A guess of everybody's secret is none.
    const mallory = login('guest3@avalon.irc/a');
    followAs(mallory, 'a-secret-of-the-student');
    for (const [request, condition] of [
      [() => say(mallory, 'I am nobody'), 'forbidden'],
      [() => take(mallory, 'Nobody'), 'item-not-found'],
      [() => take(mallory, 'Troy'), 'resource-constraint'],
      [() => ask(mallory, `<release xmlns="${ns}" who="${seatOf('Wumpus')}"/>`), 'forbidden'],
      [() => show(mallory, '?x', seats('Mallory')), 'forbidden'],
      [() => take(login('guest4@avalon.irc/a'), 'Troy'), 'forbidden'],
      [() => say(login('guest5@avalon.irc/a'), 'hello'), 'forbidden'],
      [() => take(lecturer, 'Troy'), 'forbidden'],
    ] as const)
      expect(errorCondition(request())).toBe(condition);
    host.advance(1_000);
    expect(errorCondition(take(mallory, 'Troy'))).toBeUndefined();
    host.advance(1_000);
    give(ann);
    expect(errorCondition(take(mallory, 'Wumpus'))).toBe('conflict');
    for (const text of ['', ' ', 'x'.repeat(1_001)]) expect(errorCondition(say(mallory, text))).toBe('bad-request');
    expect(errorCondition(say(mallory, 'x', 'to=""'))).toBe('bad-request');
  });

  it('a hostile student cannot fill the memory of a lecturer who does not read', () => {
    const { lecturer, ann } = stage();
    take(ann, 'Wumpus');
    lecturer.buffered = 1e6;
    expect(errorCondition(say(ann, 'x'))).toBe('resource-constraint');
    lecturer.vanish();
    expect(errorCondition(say(ann, 'x'))).toBe('recipient-unavailable');
  });

  it('forty students want the same person: one has them', () => {
    const { host, login, lecturer } = school();
    open(lecturer);
    show(lecturer, '?scenario=wallops', seats('Wumpus'));
    const all = Array.from({ length: 40 }, (_, i) => login(`guest${i}@avalon.irc/a`));
    for (const student of all) follow(student);
    expect(all.filter((student) => errorCondition(take(student, 'Wumpus')) === undefined)).toHaveLength(1);
    host.advance(1_000);
    expect(all.map((student) => seen(heard(student))?.[0]).sort()).toEqual([
      ...Array.from({ length: 39 }, () => 'Wumpus taken'),
      'Wumpus yours',
    ]);
  });

  it('nothing of it is in the trace', () => {
    const { ann, trace } = stage();
    take(ann, 'Wumpus');
    say(ann, 'between us');
    expect(JSON.stringify(trace())).not.toContain('between us');
  });
});

describe('In a class a hostile student', () => {
  it('cannot lead it, end it, open one, or take one over', () => {
    const { login, lecturer } = school();
    open(lecturer);
    const mallory = login('guest0@avalon.irc/a');
    follow(mallory);
    for (const request of [
      () => show(mallory, '#mine'),
      () => ask(mallory, `<close xmlns="${ns}"/>`),
      () => open(mallory),
      () => open(mallory, 'another1'),
      () => show(login('observer@avalon.irc/o'), '#mine'),
      () => open(login('observer@avalon.irc/p')),
      () => open(login('replica@vesa.irc/r'), 'another1'),
    ])
      expect(errorCondition(request())).toBe('forbidden');
    expect(errorCondition(open(login('operator@avalon.irc/x'), code, 'the-key-of-another-one'))).toBe('conflict');
    expect(placeOf(elementsOf(follow(login('guest1@avalon.irc/a')))[0])).toBe('');
  });

  it('is told nothing of others', () => {
    const { host, login, lecturer } = school();
    open(lecturer);
    show(lecturer, '#x', number('q'));
    const [mallory, ann] = [login('guest0@avalon.irc/a'), login('guest1@avalon.irc/a')];
    follow(mallory);
    follow(ann, 'Ann');
    mallory.take();
    answer(ann, '4');
    ann.vanish();
    host.advance(5_000);
    expect(mallory.take()).toEqual([]);
  });

  it('counts once, however often it comes, answers and goes; and fills no memory while nobody reads', () => {
    const { host, login, lecturer } = school();
    open(lecturer);
    show(lecturer, '#x', number('q'));
    const mallory = login('guest0@avalon.irc/a');
    lecturer.take();
    lecturer.buffered = 1e6;
    for (let i = 0; i < 500; i++) {
      follow(mallory, `M${i}`);
      answer(mallory, String(i));
      if (i % 50 === 0) host.advance(1_000);
    }
    host.advance(5_000);
    lecturer.drains();
    host.advance(5_000);
    const told = listed(heard(lecturer));
    expect(told).toEqual([{ n: '500', nick: 'M499', answer: '499' }]);
  });

  it('has a name of forty characters that can all be seen', () => {
    const { host, login, lecturer } = school();
    open(lecturer);
    follow(login('guest0@avalon.irc/a'), 'x'.repeat(1_000));
    follow(login('guest1@avalon.irc/a'), '&lt;script&gt;alert(1)&lt;/script&gt;');
    follow(login('guest2@avalon.irc/a'), '&#x202e;');
    host.advance(1_000);
    expect(listed(heard(lecturer)).map(({ nick }) => nick)).toEqual(['x'.repeat(40), '<script>alert(1)</script>', '']);
  });

  it('who does not read is told the last alone, and holds nobody up', () => {
    const { host, login, lecturer } = school();
    open(lecturer);
    const [slow, quick] = [login('guest0@avalon.irc/a'), login('guest1@avalon.irc/a')];
    follow(slow);
    follow(quick);
    slow.buffered = 1e6;
    for (let i = 0; i < 10; i++) {
      show(lecturer, `#at=${i}`);
      host.advance(300);
    }
    expect(heard(quick).map(placeOf).at(-1)).toBe('#at=9');
    expect(heard(slow)).toEqual([]);
    slow.drains();
    host.advance(300);
    expect(heard(slow).map(placeOf)).toEqual(['#at=9']);
  });

  it(`finds no room beside ${studentsMax} others`, () => {
    const { login, lecturer } = school();
    open(lecturer);
    for (let i = 0; i < studentsMax; i++)
      expect(errorCondition(follow(login(`guest${i}@avalon.irc/a`)))).toBeUndefined();
    expect(errorCondition(follow(login(`guest${studentsMax}@avalon.irc/a`)))).toBe('resource-constraint');
  });
});

describe('The page of a lecturer', () => {
  it('opens one class at a time, of ten in all', () => {
    const { login, lecturer } = school();
    open(lecturer);
    const student = login('guest0@avalon.irc/a');
    follow(student);
    open(lecturer, 'another1');
    expect(errorCondition(follow(student))).toBe('item-not-found');
    for (let i = 1; i < classesMax; i++)
      expect(errorCondition(open(login(`operator@avalon.irc/${i}`), `class000${i}`))).toBeUndefined();
    expect(errorCondition(open(login('operator@avalon.irc/more'), 'class00010'))).toBe('resource-constraint');
  });

  it.each([
    ['a place that is none', 'javascript:alert(1)', ''],
    ['a place that is too long', `#${'x'.repeat(25_000)}`, ''],
    ['a lesson that is none', '#x', '<lesson id="../x" step="1"/>'],
    ['a step that is none', '#x', '<lesson id="x" step="one"/>'],
    ['a question without words', '#x', '<question id="q"><ask></ask></question>'],
    ['one choice', '#x', '<question id="q"><ask>?</ask><choice>a</choice></question>'],
    ['too many choices', '#x', `<question id="q"><ask>?</ask>${'<choice>a</choice>'.repeat(9)}</question>`],
    ['a person without an address', '?x', '<seat who="@" nick="A"/>'],
    ['a person without a nick', '?x', '<seat who="a@b.lit/x" nick=""/>'],
    ['too many people', '?x', '<seat who="a@b.lit/x" nick="A"/>'.repeat(41)],
    ['a question that is too long', '#x', `<question id="q"><ask>${'x'.repeat(601)}</ask></question>`],
  ])('is refused %s', (_, place, more) => {
    const { lecturer } = school();
    open(lecturer);
    expect(errorCondition(show(lecturer, place, more))).toBe('bad-request');
  });
});
