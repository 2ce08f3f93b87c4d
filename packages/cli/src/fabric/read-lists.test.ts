import fc from 'fast-check';
import { readImageFile } from './read-image-file';
import { parseHostAddress, readPmFile, writeHostAddress } from './read-pm-file';
import { sayFileFault } from './file-fault';

const pm = (text: string | Buffer): ReturnType<typeof readPmFile> => readPmFile('pm', Buffer.from(text));
const images = (text: string): ReturnType<typeof readImageFile> => readImageFile('images', Buffer.from(text));
const said = (faults: ReturnType<typeof readPmFile>['faults']): string[] => faults.map(sayFileFault);

describe('the list of machines', () => {
  it('takes addresses with and without user and port, comments, blank lines, Windows line ends and a byte order mark', () => {
    const { machines, faults } = pm('\ufeff# the lab\r\nroot@lab-pc-01\r\n\r\n  10.0.0.7:2222   # by the window\r\nadmin@[fd00::7]:22\r\nfd00::8\r\n');
    expect(faults).toEqual([]);
    expect(machines).toEqual([
      { user: 'root', host: 'lab-pc-01', port: 22, line: 2 },
      { user: null, host: '10.0.0.7', port: 2222, line: 4 },
      { user: 'admin', host: 'fd00::7', port: 22, line: 5 },
      { user: null, host: 'fd00::8', port: 22, line: 6 },
    ]);
  });

  it('tells every fault of the file with its line', () => {
    const { machines, faults } = pm(`root@lab-pc-01\n-oProxyCommand=x\nLAB-pc-01\n10.0.0.300\na b\nRoot@lab-pc-02\nlab-pc-03:0\n${'x'.repeat(300)}\nlab-pc-04\n`);
    expect(machines.map(({ host }) => host)).toEqual(['lab-pc-01', 'lab-pc-04']);
    expect(said(faults)).toEqual([
      expect.stringMatching(/^pm:2: "-oProxyCommand=x" is no address/),
      'pm:3: "LAB-pc-01" stands on line 1 already: remove one of the two.',
      expect.stringMatching(/^pm:4: "10\.0\.0\.300" is no address/),
      expect.stringMatching(/^pm:5: one address a line, and here are 2 words/),
      expect.stringMatching(/^pm:6: "Root" is no user name/),
      expect.stringMatching(/^pm:7: port "0" is none/),
      expect.stringMatching(/^pm:8: the address has 300 characters/),
    ]);
  });

  it('says that a file without an address, of zeros, or of other letters than UTF-8 is none', () => {
    expect(said(pm('# nothing\n').faults)).toEqual([expect.stringMatching(/^pm:1: there is no address/)]);
    expect(said(pm(Buffer.from('a\nb\0')).faults)).toEqual([expect.stringMatching(/^pm:2: there is a zero byte/)]);
    expect(said(pm(Buffer.from([0x61, 0x0a, 0xff, 0x0a])).faults)).toEqual([expect.stringMatching(/^pm:2: these bytes are no UTF-8/)]);
  });

  it('reads each address as it was written', () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.stringMatching(/^[a-z][a-z0-9]{0,10}(-[a-z0-9]{1,5}){0,2}$/));
    const address = fc.record({ user: fc.option(fc.stringMatching(/^[a-z_][a-z0-9_-]{0,10}$/)), host, port: fc.integer({ min: 1, max: 65_535 }) });
    fc.assert(fc.property(address, (one) => expect(parseHostAddress(writeHostAddress(one))).toEqual(one)));
  });

  it('never throws, and names a line, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        for (const { faults } of [readPmFile('f', Buffer.from(bytes)), readImageFile('f', Buffer.from(bytes))]) for (const fault of faults) expect(fault.line).toBeGreaterThanOrEqual(1);
      }),
    );
  });
});

describe('the list of images', () => {
  it('names an image after its path, and leaves in the name what is no format', () => {
    const { images: found, faults } = images('/srv/images/Ubuntu12.04amd64\n# old\n/srv//images/My disk.qcow2\n/srv/images/debian-12.1.img');
    expect(faults).toEqual([]);
    expect(found.map(({ path, name, line }) => [path, name, line])).toEqual([
      ['/srv/images/Ubuntu12.04amd64', 'Ubuntu12.04amd64', 1],
      ['/srv/images/My disk.qcow2', 'My disk', 3],
      ['/srv/images/debian-12.1.img', 'debian-12.1', 4],
    ]);
  });

  it('tells every fault of the file with its line', () => {
    const { faults } = images('/a/ubuntu.qcow2\nubuntu.qcow2\n/a/./ubuntu.qcow2\n/b/Ubuntu.img\n/c/\n');
    expect(said(faults)).toEqual([
      'images:2: "ubuntu.qcow2" is no full path: begin it with /.',
      'images:3: "/a/ubuntu.qcow2" stands on line 1 already: remove one of the two.',
      expect.stringMatching(/^images:4: the image would be called "Ubuntu", as the one of line 1/),
      expect.stringMatching(/^images:5: "\/c\/" is a directory/),
    ]);
  });
});
