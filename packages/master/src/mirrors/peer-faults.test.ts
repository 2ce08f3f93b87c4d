import { HandClock } from '../../test/it/hand-clock';
import { avoidedMs, mostAccused, PeerFaults } from './peer-faults';

const told: string[] = [];
let clock: HandClock;
let faults: PeerFaults;
beforeEach(() => {
  told.length = 0;
  clock = new HandClock();
  faults = new PeerFaults(clock, (slaveId) => told.push(`${slaveId} ${faults.isAvoided(slaveId) ? 'avoided' : 'asked again'}`));
});
const unreachable = (reporterId: string, accusedId: string, witnesses = 5): boolean => faults.report({ reporterId, accusedId, fault: 'unreachable', reporterVolunteers: false, witnesses });
const wrong = (reporterId: string, accusedId: string): boolean => faults.report({ reporterId, accusedId, fault: 'wrong-bytes', reporterVolunteers: false, witnesses: 5 });
const volunteerSaysWrong = (reporterId: string, accusedId: string): boolean => faults.report({ reporterId, accusedId, fault: 'wrong-bytes', reporterVolunteers: true, witnesses: 5 });

test('who gave wrong bytes is avoided from then on, and it is news once', () => {
  expect([wrong('a', 'liar'), wrong('b', 'liar')]).toEqual([true, false]);
  clock.advance(24 * 3_600_000);
  faults.cameAnew('liar');
  expect(faults.isAvoided('liar')).toBe(true);
  expect(told).toEqual(['liar avoided']);
});

test('one that accuses many is believed of a few alone, and of more when another says the same', () => {
  for (let at = 0; at < mostAccused; at++) expect(wrong('broken', `m${at}`)).toBe(true);
  expect(wrong('broken', 'one more')).toBe(false);
  expect(faults.isAvoided('one more')).toBe(false);
  expect(wrong('whole', 'one more')).toBe(true);
});

test('a volunteer’s word alone rests one for a minute, over its reconnection too, and is not news', () => {
  expect(volunteerSaysWrong('v', 'accused')).toBe(false);
  faults.cameAnew('accused');
  clock.advance(avoidedMs - 1);
  expect(faults.isAvoided('accused')).toBe(true);
  clock.advance(1);
  expect(told).toEqual(['accused avoided', 'accused asked again']);
});

test.each<[string, () => boolean]>([
  ['a dedicated host', () => wrong('dedicated', 'accused')],
  ['another volunteer', () => volunteerSaysWrong('w', 'accused')],
])('whom a volunteer accuses is avoided for good once %s says so too', (_, confirm) => {
  volunteerSaysWrong('v', 'accused');
  expect(volunteerSaysWrong('v', 'accused')).toBe(false);
  expect(confirm()).toBe(true);
  clock.advance(24 * 3_600_000);
  expect(faults.isAvoided('accused')).toBe(true);
});

test('a volunteer that accuses many rests a few', () => {
  for (let at = 0; at <= mostAccused; at++) volunteerSaysWrong('v', `m${at}`);
  expect(Array.from({ length: mostAccused + 1 }, (_, at) => faults.isAvoided(`m${at}`))).toEqual([...Array.from({ length: mostAccused }, () => true), false]);
});

test('nobody accuses itself', () => {
  expect(wrong('a', 'a')).toBe(false);
  expect(faults.isAvoided('a')).toBe(false);
});

test('one that could not be reached is avoided for a minute once two others say so', () => {
  unreachable('a', 'far');
  unreachable('a', 'far');
  expect(faults.isAvoided('far')).toBe(false);
  unreachable('b', 'far');
  expect(faults.isAvoided('far')).toBe(true);
  clock.advance(avoidedMs - 1);
  expect(faults.isAvoided('far')).toBe(true);
  clock.advance(1);
  expect(told).toEqual(['far avoided', 'far asked again']);
  unreachable('a', 'far');
  expect(faults.isAvoided('far')).toBe(false);
});

test('two reports that are a minute apart are not two', () => {
  unreachable('a', 'far');
  clock.advance(avoidedMs);
  unreachable('b', 'far');
  expect(faults.isAvoided('far')).toBe(false);
});

test('the only other one there is is believed alone', () => {
  unreachable('a', 'far', 1);
  expect(faults.isAvoided('far')).toBe(true);
});

test('one that connects anew may be asked again, and a report more prolongs nobody else’s minute', () => {
  unreachable('a', 'far', 1);
  faults.cameAnew('far');
  expect(told).toEqual(['far avoided', 'far asked again']);
  clock.advance(avoidedMs);
  expect(told).toHaveLength(2);
});
