import { followedLabTime, type LabClockFile } from './lab-clock';

/** A file of which the test says what a look at it finds. */
class HandFile implements LabClockFile {
  found: string | null = null;
  text = '';
  unreadable = false;
  reads = 0;

  version(): string | null {
    return this.found;
  }

  read(): string {
    this.reads += 1;
    if (this.unreadable) throw new Error('EMFILE');
    return this.text;
  }

  replace(version: string, text: string): void {
    this.found = version;
    this.text = text;
  }
}

let file: HandFile;
let faults: unknown[];
let look: () => unknown;
beforeEach(() => {
  let nowMs = 0;
  file = new HandFile();
  faults = [];
  look = followedLabTime(file, { monotonicMs: () => (nowMs += 20) }, (error) => faults.push(error));
});

const slept = (sleptMs: number) => ({ sleptMs, wrongMs: 0 });

test('a file that is the same is read once', () => {
  file.replace('1', JSON.stringify(slept(5)));
  expect([look(), look()]).toEqual([slept(5), slept(5)]);
  expect(file.reads).toBe(1);
});

test('a reading that failed is tried again although the file is the same, and told once', () => {
  file.replace('1', JSON.stringify(slept(5)));
  file.unreadable = true;
  expect([look(), look(), look()]).toEqual([slept(0), slept(0), slept(0)]);
  expect(faults).toEqual([new Error('EMFILE')]);
  file.unreadable = false;
  expect(look()).toEqual(slept(5));
  file.replace('2', JSON.stringify(slept(6)));
  file.unreadable = true;
  expect(look()).toEqual(slept(5));
  expect(faults).toHaveLength(2);
});

test('what holds no time is told once for each file', () => {
  for (const version of ['1', '2']) {
    file.replace(version, 'tomorrow');
    expect([look(), look()]).toEqual([slept(0), slept(0)]);
  }
  expect(faults).toHaveLength(2);
});

test('a file that cannot be looked at leaves the time where it was, and is told once for each time that begins', () => {
  file.replace('1', JSON.stringify(slept(5)));
  look();
  for (const times of [1, 2]) {
    file.version = () => {
      throw new Error('EACCES');
    };
    expect([look(), look()]).toEqual([slept(5), slept(5)]);
    expect(faults).toHaveLength(times);
    file.version = () => '1';
    expect(look()).toEqual(slept(5));
  }
});
